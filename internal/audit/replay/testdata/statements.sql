# Statements on the tests' world, one a line; kc, kt and kn are keys.
SELECT id kc FROM customers ORDER BY COUNT(*)
SELECT id kc FROM customers ORDER BY MAX(score)
SELECT id kc FROM customers WHERE country = 'us' ORDER BY SUM(id) DESC
SELECT id kc FROM customers HAVING kc > 200
SELECT id kc FROM customers HAVING COUNT(*) > 1
SELECT id kc FROM customers HAVING 0
SELECT id kc FROM customers ORDER BY RAND()
SELECT id kc FROM customers ORDER BY RAND() LIMIT 5
SELECT id kc FROM customers LIMIT 0
SELECT id kc FROM customers WHERE id = 115 LIMIT 1 OFFSET 1
SELECT id kc FROM customers WHERE id = 115 LIMIT 1, 1
SELECT id kc FROM customers WHERE id = 115 LIMIT 0
SELECT id kc FROM customers WHERE email = (SELECT email FROM customers WHERE id = 115) LIMIT 1
SELECT id kc FROM customers WHERE email IN ('a', 'b') LIMIT 1
SELECT id kc FROM customers WHERE id IN (115, 115) LIMIT 1
SELECT id kc FROM customers WHERE id = 115 OR 1 LIMIT 1
SELECT id kc FROM customers WHERE id = '115abc' LIMIT 1
SELECT t.id kt FROM tickets t WHERE t.id = 15 LIMIT 1
SELECT SQL_CALC_FOUND_ROWS id kc FROM customers WHERE country = 'us' LIMIT 10
SELECT SQL_NO_CACHE STRAIGHT_JOIN id kc FROM customers WHERE country = 'us'
SELECT HIGH_PRIORITY SQL_BUFFER_RESULT SQL_BIG_RESULT id kc FROM customers WHERE country = 'us'
SELECT id kc FROM customers WHERE country = 'us' LOCK IN SHARE MODE
SELECT id kc FROM customers WHERE country = 'us' FOR UPDATE NOWAIT
SELECT id kc FROM customers WHERE country = 'us' FOR UPDATE WAIT 1
SELECT id kc FROM customers WHERE country = 'us' FOR UPDATE SKIP LOCKED
SELECT id kc FROM customers USE INDEX (PRIMARY) WHERE country = 'us'
SELECT id kc FROM customers IGNORE INDEX FOR ORDER BY (PRIMARY) WHERE country = 'us'
SELECT id kc FROM customers c, (SELECT @r := 0) x WHERE country = 'us'
SELECT @r := @r + 1 r, id kc FROM customers WHERE country = 'us'
SELECT id kc FROM customers WHERE country = 'us' PROCEDURE ANALYSE()
SELECT DISTINCT country, id kc FROM customers
SELECT DISTINCTROW id kc FROM customers WHERE score > 50
SELECT ALL id kc FROM customers WHERE score > 50
SELECT country, id kc FROM customers GROUP BY country
SELECT country, id kc FROM customers GROUP BY country WITH ROLLUP
SELECT MIN(id) kc FROM customers
SELECT id kc, MAX(score) FROM customers
SELECT id kc, MAX(score) OVER () m FROM customers WHERE country = 'us'
SELECT * FROM (SELECT id kc, RANK() OVER (ORDER BY score) r FROM customers) x WHERE r < 5
SELECT d.kc FROM (SELECT id kc FROM customers LIMIT 10) d
SELECT d.kc FROM (SELECT id kc, country FROM customers ORDER BY id LIMIT 100) d WHERE d.country = 'us'
SELECT d.kc FROM (SELECT id kc, country x FROM customers UNION ALL SELECT id, ref FROM customers) d WHERE x = 'us'
SELECT d.kc FROM (SELECT id kc, country x FROM customers UNION ALL SELECT id, ref FROM customers) d WHERE x LIKE 'us'
SELECT d.kc FROM (SELECT id kc, id x FROM customers UNION ALL SELECT id, email FROM customers) d WHERE x = '115abc'
SELECT d.kc FROM (SELECT id kc, id x FROM customers UNION ALL SELECT id, email FROM customers) d WHERE x < '2'
SELECT d.kc FROM (SELECT id kc, score x FROM customers UNION ALL SELECT id, balance FROM customers) d WHERE x LIKE '5_'
SELECT d.kc FROM (SELECT id kc, born x FROM customers UNION ALL SELECT id, created FROM customers) d WHERE x LIKE '%00:00:00'
SELECT d.kc FROM (SELECT id kc, status x FROM customers UNION ALL SELECT id, country FROM customers) d WHERE x = 'ACTIVE'
SELECT d.kc FROM (SELECT id kc, old x FROM customers UNION ALL SELECT id, fixed FROM customers) d WHERE x = 'k '
SELECT c.id kc FROM (SELECT o.*, 1 AS x FROM orders o) d JOIN customers c ON c.country = 'us'
SELECT c.id kc FROM (SELECT o.*, 1 AS x, 2 AS y FROM orders o) d JOIN customers c ON c.id = d.customer_id WHERE c.score > 50
SELECT c.id kc FROM (SELECT o.*, 1 AS x, 2 AS y FROM orders o) d RIGHT JOIN customers c ON c.id = d.customer_id WHERE c.country = 'us'
SELECT c.id kc FROM customers c LEFT JOIN (SELECT o.*, 1 AS x FROM orders o) d ON d.customer_id = c.id LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.status = 'open'
SELECT c.id kc FROM (SELECT a.*, t.status FROM agents a JOIN tickets t ON 1 UNION SELECT 1,2,3) d, customers c WHERE c.status = 'active'
WITH d AS (SELECT id, country, score FROM customers) SELECT a.id kc FROM d a JOIN d b ON a.id = b.id WHERE b.score > 50
WITH d(x, y) AS (SELECT id, country FROM customers) SELECT x kc FROM d WHERE y = 'us'
WITH customers AS (SELECT id, country FROM customers WHERE score > 50) SELECT id kc FROM customers WHERE country = 'us'
WITH a AS (SELECT id FROM customers WHERE score > 50), b AS (SELECT id FROM a WHERE id > 200) SELECT id kc FROM b
WITH RECURSIVE r AS (SELECT id FROM customers WHERE id = 115 UNION ALL SELECT id + 3 FROM r WHERE id < 200) SELECT id kc FROM r
WITH d(a, b, c) AS (SELECT x.email, x.id, y.country FROM customers x JOIN customers y USING (email)) SELECT b kc FROM d WHERE c = 'us'
WITH d(a, b, c, e, f) AS (SELECT * FROM (SELECT id, email, country FROM customers) x JOIN (SELECT email, score, status FROM customers) y USING (email)) SELECT b kc FROM d WHERE c = 'us'
WITH d(a, b, c, e, f) AS (SELECT * FROM (SELECT id, email, country FROM customers) x JOIN (SELECT email, score, status FROM customers) y USING (email)) SELECT b kc FROM d WHERE a LIKE 'a%'
SELECT d.id kc FROM (SELECT * FROM (SELECT id, email, country FROM customers) x JOIN (SELECT email, score FROM customers) y USING (email)) d WHERE d.country = 'us'
SELECT d.email kc FROM (SELECT 1 AS email, 2 AS id, 3 AS country, 4 AS score FROM agents WHERE 0 UNION ALL SELECT * FROM (SELECT id, email, country FROM customers) x JOIN (SELECT email, score FROM customers) y USING (email)) d WHERE d.email LIKE 'a%'
SELECT id kc FROM customers WHERE country = 'us' UNION SELECT id FROM customers WHERE score > 50 LIMIT 5
(SELECT id kc FROM customers WHERE country = 'us' LIMIT 3) UNION ALL (SELECT id FROM customers WHERE score > 50)
SELECT id kc FROM customers EXCEPT SELECT id FROM customers WHERE score > 50
SELECT id kc FROM customers INTERSECT SELECT id FROM customers WHERE score > 50
SELECT id kc FROM customers WHERE country = 'us' UNION SELECT id FROM customers WHERE score > 50 EXCEPT SELECT id FROM customers WHERE score > 80
SELECT id kc FROM customers EXCEPT ALL SELECT id FROM customers WHERE score > 50
VALUES (1), (2)
SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id AND t.status = 'open' WHERE t.id IS NULL
SELECT c.id kc, t.id kt FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.status = 'open' OR t.id IS NULL
SELECT c.id kc FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL
SELECT c.id kc FROM customers c LEFT JOIN (tickets t JOIN notes n ON n.ticket_id = t.id) ON t.customer_id = c.id WHERE n.id IS NULL
SELECT c.id kc, t.id kt FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id LEFT JOIN notes n ON n.ticket_id = t.id WHERE n.body IS NULL
SELECT c.id kc FROM customers c LEFT JOIN tickets t USING (id) WHERE t.id IS NULL
SELECT id kc FROM customers c LEFT JOIN tickets t USING (id) WHERE id > 150
SELECT id kt FROM customers c RIGHT JOIN tickets t USING (id) WHERE id > 150
SELECT c.id kc, t.id kt FROM customers c RIGHT JOIN tickets t USING (id) WHERE c.id IS NULL
SELECT c.id kc, t.id kt FROM customers c NATURAL JOIN tickets t
SELECT c.id kc, t.id kt FROM customers c NATURAL LEFT JOIN tickets t WHERE t.id IS NULL
SELECT c.id kc, t.id kt FROM customers c NATURAL RIGHT JOIN tickets t
SELECT a.id kc FROM customers a JOIN customers b USING (email, country) WHERE country = 'us'
SELECT a.id kc FROM customers a LEFT JOIN customers b ON a.id = b.id AND b.score > 50 WHERE b.id IS NULL
SELECT a.id kc FROM customers a LEFT JOIN customers b ON a.id = b.id AND b.score > 50 WHERE NOT (b.score <=> NULL)
SELECT c.id kc FROM customers c CROSS JOIN agents a
SELECT c.id kc FROM customers c STRAIGHT_JOIN agents a ON a.id = 1 WHERE c.country = 'us'
SELECT c.id kc FROM customers c INNER JOIN agents a WHERE c.country = 'us'
SELECT c.id kc FROM agents a LEFT JOIN customers c ON c.id = 115
SELECT c.id kc FROM agents a RIGHT JOIN customers c ON 0
SELECT c.id kc FROM agents a LEFT JOIN customers c ON c.country = 'us'
SELECT c.id kc, n.id kn FROM notes n LEFT JOIN tickets t ON t.id = n.ticket_id LEFT JOIN customers c ON c.id = t.customer_id WHERE c.country = 'us'
SELECT c.id kc, n.id kn FROM notes n LEFT JOIN tickets t ON t.id = n.ticket_id LEFT JOIN customers c ON c.id = t.customer_id WHERE n.body LIKE '%call%'
SELECT c.id kc FROM customers c JOIN tickets t ON t.customer_id = c.id AND t.id = (SELECT MAX(id) FROM tickets WHERE customer_id = c.id)
SELECT c.id kc, (SELECT COUNT(*) FROM tickets t WHERE t.customer_id = c.id) n FROM customers c WHERE c.country = 'us'
SELECT c.id kc, (SELECT t.id FROM tickets t WHERE t.customer_id = c.id LIMIT 1) kt FROM customers c WHERE c.country = 'us'
SELECT (SELECT GROUP_CONCAT(id) FROM customers) kc
SELECT (SELECT GROUP_CONCAT(id) FROM customers WHERE country = 'us') kc FROM agents
SELECT a.id, (SELECT GROUP_CONCAT(c.id) FROM customers c WHERE c.id > a.id) kc FROM agents a
SELECT COUNT(*), (SELECT GROUP_CONCAT(id) FROM customers) kc FROM agents
SELECT COUNT(*) n FROM customers HAVING (SELECT MAX(id) FROM customers) > 0
SELECT GROUP_CONCAT(kc) kc FROM (SELECT id kc FROM customers WHERE country = 'us') d
SELECT id kc, country AS score FROM customers WHERE score > 50
SELECT id kc, country AS score FROM customers HAVING score = 'us'
SELECT customers.id kc FROM customers AS customers WHERE customers.country = 'us'
SELECT CUSTOMERS.id kc FROM customers CUSTOMERS WHERE Country = 'us'
SELECT `id` `kc` FROM `customers` WHERE `COUNTRY` = 'us'
SELECT .customers.id kc FROM customers WHERE country = 'us'
SELECT id kc FROM customers PARTITION (p0)
SELECT id kc FROM customers FOR SYSTEM_TIME AS OF NOW()
SELECT id kc FROM v_active WHERE name LIKE 'anna%'
SELECT v.id kc FROM v_active v LEFT JOIN v_open o ON o.cid = v.id WHERE o.tid IS NULL
SELECT id kc FROM v_active WHERE id IN (SELECT cid FROM v_open)
SELECT id kc FROM customers WHERE id IN (SELECT id FROM v_hidden)
SELECT id kc FROM customers WHERE id NOT IN (SELECT id FROM v_hidden)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM v_hidden h WHERE h.id = customers.id)
SELECT id kc FROM customers WHERE country = "us"
SELECT id kc FROM customers WHERE "country" = 'us'
SELECT id kc FROM customers WHERE country = 'us';
SELECT id kc FROM customers WHERE country = 'us' ; -- x
SELECT id kc FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > c.score)
SELECT id kc FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id)
SELECT c.id kc FROM customers c JOIN orders o ON o.customer_id = c.id JOIN (SELECT customer_id, COUNT(*) n FROM tickets GROUP BY customer_id HAVING n > 1) x ON x.customer_id = c.id
SELECT c.id kc FROM customers c LEFT JOIN (SELECT customer_id, COUNT(*) n FROM tickets GROUP BY customer_id) x ON x.customer_id = c.id WHERE x.n IS NULL
SELECT c.id kc FROM customers c LEFT JOIN (SELECT customer_id, COUNT(*) n FROM tickets GROUP BY customer_id) x ON x.customer_id = c.id WHERE IFNULL(x.n, 0) = 0
SELECT c.id kc FROM customers c LEFT JOIN (SELECT id, score FROM customers LIMIT 5) x ON x.id = c.id WHERE x.id IS NULL
SELECT id kc FROM customers WHERE email IN (SELECT email FROM customers GROUP BY email HAVING COUNT(*) = 1)
SELECT id kc FROM customers WHERE country IN (SELECT country FROM customers WHERE id = 115)
SELECT id kc FROM customers WHERE country = (SELECT country FROM customers WHERE id = 115)
SELECT id kc FROM customers WHERE country NOT IN (SELECT country FROM customers WHERE id = 115)
SELECT id kc FROM customers WHERE ref NOT IN (SELECT country FROM customers)
SELECT JSON_ARRAYAGG(id) kc FROM customers WHERE id = 115
SELECT id kc FROM customers WHERE id = 115 AND id = 118
SELECT t.id kt FROM tickets t WHERE t.customer_id IN (SELECT id FROM customers WHERE country = 'us')
SELECT t.id kt, n.id kn FROM tickets t LEFT JOIN notes n ON n.ticket_id = t.id AND n.body LIKE 'c%' WHERE t.status = 'open'
SELECT t.id kt FROM tickets t WHERE t.closed IS NULL
SELECT t.id kt FROM tickets t WHERE t.subject = 'refund'
SELECT t.id kt FROM tickets t WHERE t.subject = ''
SELECT t.id kt FROM tickets t WHERE NOT t.subject
SELECT id kc, (SELECT MAX(c.score) FROM agents LIMIT 1) m FROM customers c
SELECT id kc, (SELECT SUM(c.id) FROM agents a WHERE a.id = 1) m FROM customers c WHERE country = 'us'
SELECT id kc FROM customers c WHERE country = 'us' ORDER BY (SELECT MAX(c.id))
SELECT id kc FROM customers c WHERE country = 'us' HAVING (SELECT COUNT(c.id)) > 0
SELECT id kc, (SELECT COUNT(*) + MAX(c.score) FROM agents) m FROM customers c
SELECT id kc, (SELECT GROUP_CONCAT(a.name, c.id) FROM agents a) m FROM customers c
SELECT id kc FROM customers WHERE id = 115 GROUP BY id
SELECT id kc, country c FROM customers GROUP BY id, country HAVING COUNT(*) = 1
SELECT DISTINCT id kc FROM customers ORDER BY id LIMIT 5
SELECT id kc FROM customers WHERE id IN (SELECT MAX(id) FROM customers GROUP BY country)
SELECT id kc FROM customers c WHERE id = (SELECT MAX(id) FROM customers c2 WHERE c2.country = c.country)
SELECT id kc FROM customers c WHERE score >= ALL (SELECT score FROM customers WHERE score IS NOT NULL)
SELECT id kc FROM customers c WHERE score > ANY (SELECT score FROM customers)
SELECT id kc FROM customers c WHERE NOT (score > ANY (SELECT score FROM customers))
SELECT id kc FROM customers c WHERE (SELECT COUNT(*) FROM customers c2 WHERE c2.country = c.country AND c2.id < c.id) < 3
SELECT id kc FROM customers c WHERE EXISTS (SELECT 1 FROM customers x WHERE x.country = c.country AND x.id <> c.id AND x.score > c.score)
SELECT id kc FROM customers c WHERE NOT EXISTS (SELECT 1 FROM customers x WHERE x.country = c.country AND x.score > c.score)
SELECT id kc FROM customers c WHERE c.id IN (SELECT t.customer_id FROM tickets t WHERE t.status = c.status OR t.id > 10)
SELECT c.id kc FROM customers c LEFT JOIN customers p ON p.id = c.id - 3 WHERE p.id IS NULL
SELECT c.id kc FROM customers c LEFT JOIN customers p ON p.id = c.id - 3 AND p.country = c.country WHERE p.score > 50
SELECT c.id kc, p.id FROM customers c RIGHT JOIN customers p ON p.id = c.id - 3 WHERE c.score > 50
SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id AND t.id = 5 WHERE NOT (t.status = 'open')
SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.status IS NULL OR t.status <> 'open'
SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id AND c.score > 50 WHERE t.id IS NULL
SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id LEFT JOIN tickets u ON u.customer_id = c.id AND u.id > t.id WHERE u.id IS NULL
SELECT c.id kc, t.id kt FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id LEFT JOIN tickets u ON u.customer_id = c.id AND u.id > t.id WHERE u.id IS NULL
SELECT c.id kc FROM (customers c, agents a) LEFT JOIN orders o ON o.customer_id = c.id WHERE a.id = 1 AND c.country = 'us'
SELECT c.id kc FROM customers c, agents a LEFT JOIN orders o ON o.customer_id = a.id WHERE c.country = 'us'
SELECT c.id kc, t.id kt FROM tickets t JOIN customers c ON c.id = t.customer_id RIGHT JOIN notes n ON n.ticket_id = t.id WHERE c.country = 'us'
SELECT c.id kc FROM customers c JOIN tickets t RIGHT JOIN notes n ON n.ticket_id = t.id ON t.customer_id = c.id
SELECT c.id kc, t.id kt FROM customers c JOIN tickets t USING (id, created)
SELECT c.id kc, t.id kt FROM customers c LEFT JOIN tickets t USING (status) WHERE c.country = 'us'
SELECT status, c.id kc FROM customers c JOIN tickets t USING (status) WHERE status = 'OPEN'
SELECT b.id kc FROM (SELECT 'us' country) x JOIN customers b USING (country)
SELECT b.id kc FROM customers b JOIN (SELECT 'US' COLLATE utf8mb4_bin country) x USING (country)
SELECT b.id kc FROM customers b JOIN (SELECT 'us ' x UNION SELECT 'de') y ON y.x = b.country
SELECT b.id kc FROM customers b JOIN (SELECT '50abc' x) y ON y.x = b.score
SELECT b.id kc FROM customers b JOIN (SELECT 5 x UNION SELECT 'abc') y ON y.x = b.phone
SELECT b.id kc FROM customers b, (SELECT NULL x) y WHERE b.score <=> y.x
SELECT kc FROM (SELECT id kc, IF(score > 50, 'a', NULL) x FROM customers) d WHERE x IS NULL
SELECT kc FROM (SELECT id kc, CONCAT(country, '-', status) x FROM customers) d WHERE x = 'US-ACTIVE'
SELECT kc FROM (SELECT id kc, score > 50 x FROM customers) d WHERE x
SELECT kc FROM (SELECT id kc, due FROM customers) d WHERE due IS NULL
SELECT kc FROM (SELECT id kc, due FROM customers UNION SELECT 1, NULL) d WHERE due IS NULL
SELECT c.id kc FROM customers c LEFT JOIN customers d ON d.id = c.id AND d.score > 50 WHERE d.due IS NULL
SELECT c.id kc FROM tickets t LEFT JOIN customers c ON c.id = t.customer_id WHERE c.due IS NOT NULL
SELECT id kc FROM customers WHERE (due IS NULL) = (score IS NULL)
SELECT id kc FROM customers WHERE due IS NULL OR score > 90
SELECT id kc FROM customers WHERE CASE WHEN due IS NULL THEN 1 ELSE 0 END
SELECT id kc FROM customers WHERE created BETWEEN '2026-09-01' AND NOW()
SELECT id kc FROM customers WHERE created BETWEEN DATE_SUB(NOW(), INTERVAL 30 DAY) AND NOW()
SELECT id kc FROM customers WHERE created NOT BETWEEN '2026-09-01' AND '2026-10-01 12:00:00'
SELECT id kc FROM customers WHERE NOW() BETWEEN created AND seen
SELECT id kc FROM customers WHERE created >= '2026-09-01' AND created < '2026-09-01' + INTERVAL 1 MONTH
SELECT id kc FROM customers WHERE created >= DATE('2026-09-01') AND created < DATE_ADD(DATE('2026-09-01'), INTERVAL 1 MONTH)
SELECT id kc FROM customers WHERE created >= CURRENT_TIMESTAMP - INTERVAL 1 DAY
SELECT id kc FROM customers WHERE created < CURRENT_TIMESTAMP() AND created > LOCALTIME - INTERVAL 90 DAY
SELECT id kc FROM customers WHERE created > UTC_TIMESTAMP() - INTERVAL 30 DAY
SELECT id kc FROM customers WHERE DATE(created) = CURDATE()
SELECT id kc FROM customers WHERE DATE(created) BETWEEN CURDATE() - INTERVAL 30 DAY AND CURDATE()
SELECT id kc FROM customers WHERE YEAR(created) = YEAR(NOW()) AND MONTH(created) = MONTH(NOW())
SELECT id kc FROM customers WHERE YEAR('abc') IS NULL
SELECT id kc FROM customers WHERE YEAR('2026-02-30') IS NULL
SELECT id kc FROM customers WHERE MONTH(due) = 0
SELECT id kc FROM customers WHERE HOUR(created) = 5
SELECT id kc FROM customers WHERE HOUR(born) = 0
SELECT id kc FROM customers WHERE HOUR('2026-01-01 10:00:00') = 10
SELECT id kc FROM customers WHERE HOUR('2026-01-01') = 0
SELECT id kc FROM customers WHERE DAY(fine) = 5
SELECT id kc FROM customers WHERE DATE(seen) > '2026-11-20'
SELECT id kc FROM customers WHERE born + INTERVAL 1 DAY > '2026-05-01'
SELECT id kc FROM customers WHERE INTERVAL 1 DAY + born > '2026-05-01'
SELECT id kc FROM customers WHERE born + 1 > 20260501
SELECT id kc FROM customers WHERE '2026-05-01' - INTERVAL 1 DAY < born
SELECT id kc FROM customers WHERE '2026-05-01' < born AND 'abc' <> born
SELECT id kc FROM customers WHERE '2026-05-01' = DATE('2026-05-01 10:00')
SELECT id kc FROM customers WHERE DATE('2026-05-01 10:00') = '2026-05-01 10:00'
SELECT id kc FROM customers WHERE born = DATE('2026-05-01abc')
SELECT id kc FROM customers WHERE DATE_ADD('2026-05-01', INTERVAL 1 DAY) LIKE '2026-05-02'
SELECT id kc FROM customers WHERE DATE(created) LIKE '2026-1%'
SELECT id kc FROM customers WHERE CONCAT(born, '') = '2026-05-01'
SELECT id kc FROM customers WHERE LEFT(born, 4) = '2026'
SELECT id kc FROM customers WHERE id = '115' AND id = 115.0 AND id LIKE '115'
SELECT id kc FROM customers WHERE id LIKE '%5'
SELECT id kc FROM customers WHERE id IN ('115', '118 ', ' 121', '1e2')
SELECT id kc FROM customers WHERE email IN ('A115@example.net', 5)
SELECT id kc FROM customers WHERE email = 0
SELECT id kc FROM customers WHERE email
SELECT id kc FROM customers WHERE NOT email
SELECT id kc FROM customers WHERE email + 0 = 0
SELECT id kc FROM customers WHERE -email = 0
SELECT id kc FROM customers WHERE phone = 555
SELECT id kc FROM customers WHERE phone = '555'
SELECT id kc FROM customers WHERE phone = 1
SELECT id kc FROM customers WHERE phone < 1000 AND phone > 10
SELECT id kc FROM customers WHERE phone = TRUE
SELECT id kc FROM customers WHERE phone IS TRUE
SELECT id kc FROM customers WHERE phone IS NOT FALSE
SELECT id kc FROM customers WHERE name IS TRUE
SELECT id kc FROM customers WHERE status IS TRUE
SELECT id kc FROM customers WHERE status
SELECT id kc FROM customers WHERE status + 0 = 1
SELECT id kc FROM customers WHERE status = country
SELECT id kc FROM customers WHERE status = kinds
SELECT id kc FROM customers WHERE status = 'act' 'ive'
SELECT id kc FROM customers WHERE born IS TRUE
SELECT id kc FROM customers WHERE balance
SELECT id kc FROM customers WHERE balance IN (10.10, '10.1')
SELECT id kc FROM customers WHERE balance IN ('10.10')
SELECT id kc FROM customers WHERE balance > '10.abc'
SELECT id kc FROM customers WHERE rate IN (0.1, 0.2)
SELECT id kc FROM customers WHERE score IN ('5', '6')
SELECT id kc FROM customers WHERE score IN (5.0, 6)
SELECT id kc FROM customers WHERE score IN (5, 5 + 1)
SELECT id kc FROM customers WHERE score IN (5, id - 100)
SELECT id kc FROM customers WHERE score NOT IN (5, id - 100)
SELECT id kc FROM customers WHERE country IN ('us', ref)
SELECT id kc FROM customers WHERE country NOT IN ('us', ref)
SELECT id kc FROM customers WHERE ref IN (country, 'ab')
SELECT id kc FROM customers WHERE 'us' IN (country, ref)
SELECT id kc FROM customers WHERE 'us' IN (country)
SELECT id kc FROM customers WHERE country IN ('us' COLLATE utf8mb4_bin, 'DE')
SELECT id kc FROM customers WHERE country IN (BINARY 'us', 'DE')
SELECT id kc FROM customers WHERE name IN ('anna smith', _latin1'x')
SELECT id kc FROM customers WHERE 'US' BETWEEN country AND 'z'
SELECT id kc FROM customers WHERE country BETWEEN 'a' AND ref
SELECT id kc FROM customers WHERE country NOT BETWEEN ref AND 'z'
SELECT id kc FROM customers WHERE country BETWEEN BINARY 'a' AND 'z'
SELECT id kc FROM customers WHERE country < BINARY 'a'
SELECT id kc FROM customers WHERE score NOT BETWEEN NULL AND 50
SELECT id kc FROM customers WHERE score NOT BETWEEN id AND NULL
SELECT id kc FROM customers WHERE NOT (score BETWEEN 10 AND balance)
SELECT id kc FROM customers WHERE phone NOT BETWEEN score AND 'z'
SELECT id kc FROM customers WHERE country LIKE ref
SELECT id kc FROM customers WHERE 'us' LIKE country
SELECT id kc FROM customers WHERE 'u%' LIKE CONCAT(country, '%')
SELECT id kc FROM customers WHERE country LIKE CONCAT(ref, '%')
SELECT id kc FROM customers WHERE country LIKE IF(score > 50, 'us', 'de')
SELECT id kc FROM customers WHERE IF(score > 50, country, 'us') LIKE 'US'
SELECT id kc FROM customers WHERE IF(score > 50, country, 'us') = BINARY 'US'
SELECT id kc FROM customers WHERE IF(score > 50, ref, 'ab') = 'AB'
SELECT id kc FROM customers WHERE IF(score > 50, 'ab', ref) = country
SELECT id kc FROM customers WHERE IFNULL(score, 0) = 0
SELECT id kc FROM customers WHERE IFNULL(score, '') = ''
SELECT id kc FROM customers WHERE IFNULL(score, '') = 0
SELECT id kc FROM customers WHERE COALESCE(score, balance, 0) > 50
SELECT id kc FROM customers WHERE COALESCE(score, 'x') = 'X'
SELECT id kc FROM customers WHERE COALESCE(born, '2026-01-01') = '2026-01-01'
SELECT id kc FROM customers WHERE COALESCE(born, created) > '2026-05-01'
SELECT id kc FROM customers WHERE COALESCE(born, created) LIKE '2026%'
SELECT id kc FROM customers WHERE COALESCE(zf, score) LIKE '0%'
SELECT id kc FROM customers WHERE COALESCE(NULL, NULL) IS NULL
SELECT id kc FROM customers WHERE CASE WHEN score IS NULL THEN 'none' WHEN score > 50 THEN 'high' ELSE 'low' END = 'NONE'
SELECT id kc FROM customers WHERE CASE WHEN score > 50 THEN 1 END
SELECT id kc FROM customers WHERE CASE WHEN score > 50 THEN NULL ELSE country END = 'us'
SELECT id kc FROM customers WHERE CASE WHEN score > 50 THEN 1 ELSE 1.5 END = 1.5
SELECT id kc FROM customers WHERE CASE WHEN score > 50 THEN TRUE ELSE '' END
SELECT id kc FROM customers WHERE CASE score WHEN NULL THEN 1 ELSE 0 END = 0
SELECT id kc FROM customers WHERE CASE WHEN due IS NULL THEN due ELSE born END IS NULL
SELECT id kc FROM customers WHERE (id, score) IN (SELECT id, 50 FROM customers)
SELECT id kc FROM customers WHERE (id, score) NOT IN (SELECT id, NULL FROM customers WHERE score > 50)
SELECT id kc FROM customers WHERE id IN (SELECT customer_id FROM tickets UNION ALL SELECT customer_id FROM orders)
SELECT id kc FROM customers WHERE id NOT IN (SELECT customer_id FROM tickets UNION ALL SELECT customer_id FROM orders)
SELECT id kc FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)
SELECT id kc FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE customer_id IS NOT NULL)
SELECT id kc FROM customers WHERE id NOT IN (SELECT customer_id FROM tickets WHERE NULL)
SELECT id kc FROM customers WHERE NULL NOT IN (SELECT customer_id FROM tickets WHERE 0)
SELECT id kc FROM customers WHERE NULL IN (SELECT customer_id FROM tickets)
SELECT id kc FROM customers WHERE score NOT IN (SELECT customer_id FROM tickets WHERE 0)
SELECT id kc FROM customers WHERE score NOT IN (SELECT score FROM customers WHERE score IS NULL)
SELECT id kc FROM customers WHERE country NOT IN (SELECT name FROM agents)
SELECT id kc FROM customers WHERE country IN (SELECT ref FROM customers)
SELECT id kc FROM customers WHERE phone IN (SELECT score FROM customers)
SELECT id kc FROM customers WHERE phone NOT IN (SELECT score FROM customers WHERE score IS NOT NULL)
SELECT id kc FROM customers WHERE id IN (SELECT c.id FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.id IS NULL)
SELECT id kc FROM customers WHERE id IN (SELECT 115 UNION SELECT 136)
SELECT id kc FROM customers WHERE id IN (SELECT a.id * 23 FROM agents a)
SELECT id kc FROM customers WHERE EXISTS (SELECT 1 FROM agents HAVING COUNT(*) > 100)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM agents HAVING COUNT(*) > 100)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT customer_id FROM tickets t WHERE t.customer_id = customers.id GROUP BY customer_id HAVING COUNT(*) > 1)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT MAX(id) FROM tickets t WHERE t.customer_id = customers.id)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT MAX(id) FROM tickets t WHERE t.customer_id = customers.id HAVING MAX(id) > 0)
SELECT id kc FROM customers WHERE EXISTS (SELECT 1 UNION SELECT 2)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM tickets WHERE 0 UNION SELECT 2 FROM tickets WHERE customer_id = customers.id)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM tickets WHERE customer_id = customers.id EXCEPT SELECT 1 FROM notes WHERE 0)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM tickets WHERE customer_id = customers.id INTERSECT SELECT 2)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT 1 FROM tickets t, notes n WHERE t.customer_id = customers.id AND n.ticket_id = t.id)
SELECT id kc FROM customers WHERE NOT EXISTS (SELECT * FROM (SELECT customer_id x FROM tickets LIMIT 0) d WHERE d.x = customers.id)
SELECT id kc FROM customers WHERE (SELECT status FROM tickets WHERE customer_id = customers.id LIMIT 1) = 'open'
SELECT id kc FROM customers WHERE NOT (SELECT COUNT(*) FROM tickets WHERE customer_id = customers.id)
SELECT id kc FROM customers ORDER BY id LIMIT 18446744073709551615
SELECT id kc FROM customers ORDER BY id LIMIT 3, 18446744073709551615
SELECT id kc FROM customers LIMIT 10 OFFSET 5
SELECT id kc FROM customers FETCH FIRST 5 ROWS ONLY
SELECT id kc FROM customers WHERE country = 'us' UNION ALL SELECT id FROM customers WHERE country = 'de' ORDER BY kc LIMIT 2
SELECT id kc FROM customers UNION SELECT id FROM tickets WHERE status = 'open'
(SELECT id kc FROM customers)
((SELECT id kc FROM customers) LIMIT 3)
(SELECT id kc FROM customers LIMIT 3)
(SELECT id kc FROM customers) ORDER BY kc LIMIT 3
(SELECT id kc FROM customers WHERE country = 'us') UNION (SELECT id FROM customers WHERE country = 'de') LIMIT 3
(SELECT id kc FROM customers WHERE country = 'us' UNION SELECT id FROM customers WHERE country = 'de') LIMIT 3
((SELECT id kc FROM customers WHERE country = 'us') EXCEPT (SELECT id FROM customers WHERE score > 50)) UNION SELECT 1
SELECT * FROM (SELECT id kc FROM customers WHERE country = 'us') d UNION SELECT * FROM (SELECT id FROM customers LIMIT 2) e
SELECT id kc FROM customers WHERE id > 100 AND (country = 'us' OR country = 'de') AND NOT (score > 50 AND status = 'new')
SELECT id AS kc FROM customers WHERE country='us'AND score>50
SELECT id kc FROM customers WHERE country <> 'us' AND country != 'DE'
SELECT id kc FROM customers WHERE score >= 50 and score<=60 or id<150
SELECT id kc FROM customers WHERE NOT NOT score > 50
SELECT id kc FROM customers WHERE NOT score > 50 AND NOT country = 'us' OR NOT id > 200
SELECT id kc FROM customers WHERE NOT score IS NULL
SELECT id kc FROM customers WHERE NOT country LIKE 'u%'
SELECT id kc FROM customers WHERE NOT score IN (5, 6) = 0
SELECT id kc FROM customers WHERE ! (score > 50)
SELECT id kc FROM customers WHERE !score > 50
SELECT id kc FROM customers WHERE score = score
SELECT id kc FROM customers WHERE name = name
SELECT id kc FROM customers WHERE score <=> score
SELECT id kc FROM customers WHERE country = country = 1
SELECT id kc FROM customers WHERE country COLLATE utf8mb4_bin LIKE 'us'
SELECT id kc FROM customers WHERE country LIKE 'us' = 1
SELECT id kc FROM customers WHERE 1 = country LIKE 'us'
SELECT id kc FROM customers WHERE country = 'us' COLLATE utf8mb4_general_ci
SELECT id kc FROM customers WHERE BINARY country LIKE 'us'
SELECT id kc FROM customers WHERE country IN ('us') IS TRUE
SELECT id kc FROM customers WHERE country IN ('us') = country IN ('US')
SELECT id kc FROM customers WHERE score > 50 = country = 'us'
SELECT id kc FROM customers WHERE score BETWEEN 1 AND 50 = 1
SELECT id kc FROM customers WHERE score BETWEEN 1 AND 50 IS TRUE
SELECT id kc FROM customers WHERE score BETWEEN 1 AND 50 AND country = 'us'
SELECT id kc FROM customers WHERE score IS NULL IS NOT NULL
SELECT id kc FROM customers WHERE score % 2 = 1 AND -score < -50
SELECT id kc FROM customers WHERE 2 + 3 * 4 = 14 AND score - 5 - 5 > 40
SELECT id kc FROM customers WHERE score - -5 > 50
SELECT id kc FROM customers WHERE score--5 > 50
SELECT id kc FROM customers WHERE score -5 > 50
SELECT id kc FROM customers WHERE score+5>50
SELECT id kc FROM customers WHERE (score)+(5)>50
SELECT id kc FROM customers WHERE score * 1 > 50
SELECT id kc FROM customers WHERE id % 3 - 1 = 0
SELECT id kc FROM customers WHERE -7 % 3 = -1
SELECT id kc FROM customers WHERE 7 % -3 = 1
SELECT id kc FROM customers WHERE 5 - 7 < 0
SELECT id kc FROM customers WHERE big > -1
SELECT id kc FROM customers WHERE big = '5abc'
SELECT id kc FROM customers WHERE big IN (5, 9007199254740992)
SELECT id kc FROM customers WHERE big IN ('9007199254740992')
SELECT id kc FROM customers WHERE big = 9007199254740993.0
SELECT id kc FROM customers WHERE big = 18446744073709551614
SELECT id kc FROM customers WHERE balance = 50.049999999999999
SELECT id kc FROM customers WHERE balance > 50.0499999999999999999999999
SELECT id kc FROM customers WHERE id = 115.0000000000000001
SELECT id kc FROM customers WHERE id = '115.0000000000000001'
SELECT id kc FROM customers WHERE id < 115.0000000000000001
SELECT id kc FROM customers WHERE id >= '115e0'
SELECT kc FROM (SELECT id kc, ROW_NUMBER() OVER (PARTITION BY country ORDER BY score DESC) n FROM customers) d WHERE n = 1
SELECT id kc, LAG(id) OVER (ORDER BY id) p FROM customers WHERE country = 'us'
SELECT id kc, LAG(id) OVER w p FROM customers WHERE country = 'us' WINDOW w AS (ORDER BY id)
SELECT 1 x, LEAD(id) OVER (ORDER BY id) kc FROM customers
SELECT LAG(id) OVER (ORDER BY id) kc FROM customers WHERE score > 50
SELECT FIRST_VALUE(id) OVER (ORDER BY id) kc FROM customers WHERE country = 'us'
SELECT COUNT(*) OVER () n, id kc FROM customers WHERE country = 'us'
SELECT SUM(score) OVER (PARTITION BY country) n, id kc FROM customers
SELECT id kc, COUNT(*) OVER () FROM customers GROUP BY country
SELECT id kc FROM customers WHERE id IN (SELECT LAG(id) OVER (ORDER BY id) FROM customers)
SELECT id x, (SELECT GROUP_CONCAT(id) FROM customers) kc FROM customers WHERE id = 115
SELECT email, (SELECT GROUP_CONCAT(c.id) FROM customers c WHERE c.country = x.country) kc FROM customers x WHERE x.email LIKE 'a%' AND x.id = 115
SELECT (SELECT COUNT(*) FROM tickets t WHERE t.customer_id = x.id) n, x.id kc FROM customers x WHERE x.id = 115
SELECT id kc FROM customers c WHERE c.created + 3 NOT IN (SELECT x.score FROM customers x WHERE (COALESCE(x.score, 7) = 7 OR x.name REGEXP '^A') AND (x.born IS NOT NULL))
