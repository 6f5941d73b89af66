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
