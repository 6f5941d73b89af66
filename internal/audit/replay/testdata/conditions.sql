# Conditions on the table customers of the tests' world, one a line, each chosen
# because servers answer it by a rule that is easily got wrong.
due IS NULL
due IS NOT NULL
due = 0
due = '0000-00-00'
due < '2026-05-01'
NOT (due IS NULL)
COALESCE(due, '2026-01-01') = '0000-00-00'
due <=> NULL
ISNULL(due)
DATE(due) = '0000-00-00'
YEAR(due) = 0
cs > 'Ac'
cs < 'aB'
cs <= 'ab'
cs LIKE 'A%'
cs LIKE 'a%'
cs = 'AB'
ucs LIKE 'A%'
ucs LIKE 'a%'
ucs > 'Ac'
ucs < 'aB'
ucs = 'AB'
cs IN ('AB','ab')
wide = 'w'
LENGTH(wide) = 1
LENGTH(wide) = 2
LENGTH(wide) > 1
CHAR_LENGTH(wide) = 1
zf LIKE '0000%'
zf LIKE '4'
zf = 4
zf = '000004'
yr = 99
yr = 1999
yr = '99'
yr IN (99, 26)
fine = '2026-03-01'
fine > '2026-03-01 10:00:00.5'
fine > '2026-03-01 10:00:00,5'
fixed = 'k'
fixed LIKE 'k'
fixed > 5
fixed
NOT fixed
fixed = 1e400
fixed < 1e300
LENGTH(fixed) = 1
flag = 3
flag = b'011'
flag
kinds = 3
kinds = 'x,y'
kinds = 'y,x'
kinds = ''
kinds = 0
kinds LIKE '%y%'
kinds = '3'
FIND_IN_SET('y', kinds)
status = '1'
status = 1
status = 'ACTIVE '
status = '0'
status IN ('1')
status IN (1, 'new')
status = 2.0
status > 'b'
status BETWEEN 'active' AND 'blocked'
status LIKE 'a%'
big = 18446744073709551615
big = -1
big > 9007199254740992
big = '9007199254740993'
big = 9007199254740993
big = 5.0
id = '100abc'
id = ' 100'
id = '100.0'
id = 1e2
id = 100.0
id = 0x64
id = X'64'
id = b'1100100'
id IN ('100abc')
id IN ('100', 103)
id IN (100, 'abc')
id IN ('100abc', 103)
id IN (100, NULL)
id NOT IN (100, NULL)
id NOT IN (100, '103abc')
phone IN ('0155501', 15, 555)
phone IN (15, '555-0130')
phone NOT IN (15, 'x')
phone IN (5+10, 'x')
phone BETWEEN '0' AND 20
phone BETWEEN score AND 'z'
phone BETWEEN '0' AND score
score BETWEEN '5' AND balance
score BETWEEN '5' AND '50abc'
score BETWEEN 5 AND '50'
'50' BETWEEN score AND balance
name BETWEEN 'a' AND country
born BETWEEN '2026-02-01' AND created
born BETWEEN 20260201 AND '2026-05-01'
born = 20260201
born > 20260201
born > '20260201'
born > '2026-2-1'
born > '26-02-01'
born > '2026/02/01'
born > '2026-02-01abc'
born > 'abc'
born = ''
born > '2026-02-30'
born <=> NULL
born IN ('2026-02-01 10:00:00', '2026-03-03')
born > '2026-02-01 10:00:00'
born = '2026-02-01 00:00:00'
created LIKE '2026-1%'
created > '2026-11-01 10'
created > '2026-11-01T10:00:00'
created > '2026-11-01T10:00:00Z'
created > '2026-11-01 10:00:00+05:00'
created > DATE'2026-11-01'
created > TIMESTAMP'2026-11-01 10:00:00'
created > CAST('2026-11-01' AS DATE)
created > UNIX_TIMESTAMP()
created < NOW() + INTERVAL 900000 YEAR
created > NOW() - INTERVAL 3000 YEAR
created < NOW() + INTERVAL '1' MONTH
created < NOW() - INTERVAL '1:30' HOUR_MINUTE
created > NOW() - INTERVAL -30 DAY
created > CURDATE() - 30
created > CURRENT_DATE - INTERVAL 1 MONTH
created > SYSDATE() - INTERVAL 30 DAY
DATE_ADD(created, INTERVAL 1 MONTH) > NOW()
DATE_ADD(born, INTERVAL 1 MONTH) = '2026-02-28'
DATE_ADD('2026-01-31', INTERVAL 1 MONTH) = '2026-02-28'
DATE_ADD(born, INTERVAL 5 HOUR) > '2026-02-28'
LAST_DAY(born) = '2026-02-28'
DATE(created) = '2026-11-01 10:00:00'
DATE(created) > '2026-11-01 10:00:00'
MONTH('2026-11-01') = 11
DATE_FORMAT(created, '%Y') = '2026'
EXTRACT(YEAR FROM created) = 2026
DAYOFMONTH(due) = 0
CASE WHEN score > 50 THEN 5 ELSE 'x' END = '5.0'
CASE WHEN score > 50 THEN country ELSE ref END = 'us'
CASE WHEN score > 50 THEN country ELSE ref END LIKE 'us%'
CASE WHEN score > 50 THEN country ELSE ref END = 'US'
CASE WHEN score > 0 THEN score ELSE country END < '5'
CASE WHEN score > 0 THEN score ELSE balance END LIKE '5%'
CASE WHEN score > 50 THEN born ELSE created END LIKE '%-01'
CASE country WHEN 'us' THEN 1 ELSE 0 END
IF(score > 50, country, ref) = 'us'
IF(score > 50, score, balance) LIKE '5_'
IF(score > 50, born, created) LIKE '%00:00:00'
IF(score > 50, 'us', 'x') = country
IF(score > 50, 'AB', 'x') = ref
IF(country = 'us', old, 'k') = 'k '
IFNULL(ref, country) = 'us'
IFNULL(ref, country) = 'US'
COALESCE(ref, country) = 'de'
COALESCE(ref, country) LIKE 'de'
COALESCE(score, phone) > '5'
COALESCE(NULL, country) = 'us'
COALESCE('us', ref) = 'US'
COALESCE(old, country) = 'K'
COALESCE(old, 'K') = 'k'
COALESCE(ref, 'ab') = 'AB'
COALESCE(raw, country) = 'us'
NULLIF(country, 'us') IS NULL
NVL(ref, country) = 'us'
GREATEST(ref, country) = 'us'
LOWER(raw) = 'a'
UPPER(raw) = 'A'
LCASE(BINARY ref) = 'ab'
LOWER(status) = 'active'
LOWER(country) = 'US'
UPPER(ref) = 'AB'
UPPER(ref) = 'ab'
CONCAT(ref, country) = 'abus'
CONCAT(ref, 'x') = 'ABx'
CONCAT('x', country) = 'xus'
CONCAT(country, score) = 'us50'
CONCAT(status, '') = 'ACTIVE'
CONCAT(old, '') = 'k'
CONCAT(fixed, 'x') = 'kx'
CONCAT(country, NULL) IS NULL
CONCAT_WS('-', country, ref) = 'us-ab'
SUBSTRING_INDEX('a...b', '..', -1) = 'b'
SUBSTRING_INDEX('a...b', '..', -1) = '.b'
SUBSTRING_INDEX(email, '@', 1) LIKE 'a%'
SUBSTRING_INDEX(email, '.', -2) = 'example.net'
SUBSTRING_INDEX(email, '.', '-1') = 'net'
SUBSTR(email, 0) = ''
SUBSTR(email, -3) = 'NET'
SUBSTR(email, -100, 3) = ''
SUBSTR(email FROM -3 FOR 2) = 'ne'
SUBSTR(email, 1.6, 1) = 'a'
LEFT(email, -1) = ''
LEFT(email, 1.5) = 'a'
RIGHT(email, 3) = 'NET'
REVERSE(country) = 'su'
MID(email, 2, 2) > 'a'
TRIM(' k ') = old
TRIM(BOTH 'k' FROM old) = ''
TRIM(old) = 'k'
RTRIM(old) = 'k'
LENGTH(old) = 1
LTRIM(phone) LIKE '15%'
MOD(id, 7) = 2
id MOD 7 = 2
id DIV 7 = 20
-id = -100
- -id = 100
-score % 7 = -3
+phone = '0155501'
score + '5' > 50
score - 50 > 0
balance + 1 > 50
balance = 10.1
balance = '10.10'
balance LIKE '10.1'
balance LIKE '%.10'
balance * 2 = 20.2
rate = 0.1
rate > 0.1
score / 0 IS NULL
score % 0 IS NULL
score > 50 --1
score = 50--1
score > 5 -- 0
score > 5 # 0
score > 5 /* OR 1=1 */
score > 5 /*! OR 1=1 */
score > 5 /*M! OR 1=1 */
score > 5 /*!99999 OR 1=1 */
score > 5 /*M!100000 AND id > 200 */
country = 'U' 'S'
country = 'u' "s"
email LIKE 'a%' '@example.net'
country = N'us'
country = _utf8mb4'us'
country = _latin1'us'
country = X'5553'
country = 0x5553
country = _binary'us'
country = 'us' COLLATE utf8mb4_bin
country COLLATE utf8mb4_bin = 'US'
ref COLLATE utf8mb4_general_ci = 'AB'
BINARY country = 'US'
country = BINARY 'us'
CAST(country AS BINARY) = 'US'
CONVERT(country USING latin1) = 'us'
CAST(id AS CHAR) LIKE '10%'
CAST(id AS CHAR) = '100.0'
country LIKE 'US' COLLATE utf8mb4_bin
country LIKE BINARY 'us'
country LIKE 'U_'
country LIKE 'U\_'
name LIKE '%100\%%'
name LIKE '%100|%%' ESCAPE '|'
name LIKE '%%%' ESCAPE '%'
name LIKE '%%' ESCAPE '%'
name LIKE 'Anna 100%%' ESCAPE '%'
name LIKE '%under__score' ESCAPE '_'
name LIKE '%under\_score'
name LIKE '%under\\_score'
name LIKE '%under|_score' ESCAPE ''
name LIKE 'anna'
name LIKE 'anna smith'
name LIKE 'anna smith '
name LIKE 'Stra_e%'
name LIKE 'Strasse%'
name LIKE 'z_e %'
name LIKE '%i_igo'
name LIKE ''
name LIKE '%'
name NOT LIKE '%'
name LIKE NULL
name LIKE country
email LIKE CONCAT('%', 'NET')
email LIKE CONCAT(LEFT(email, 2), '%')
'anna' LIKE name
100 LIKE id
0100 LIKE '0100'
1.50 LIKE '1.50'
id LIKE 100
id LIKE '1__'
name REGEXP '^anna'
name RLIKE 'x'
name NOT REGEXP '^anna'
name = 'ANNA SMITH'
name = 'Jurgen Muller'
name = 'Strasse smith'
name = 'zoe yi'
name > 'jur'
name < 'z'
name > 'Straße'
lit = 'it'
lit = 'yt'
lit > 'v'
lit IN ('IT','w')
code = 'u'
code = 'Y'
code > 'u'
code = 'ü'
old = 'k '
old = 'K'
old > 'k'
old LIKE 'k%'
raw = 'a'
raw = 'a '
raw > 'A'
raw LIKE 'A'
ref = 'ab '
ref > 'Ab'
ref < 'x-1'
ref = code
ref = country
country = code
ref LIKE code
old = ref
!score = 0
!score
NOT score = 5
NOT country = 'us' AND score > 50
NOT score BETWEEN 10 AND 50
NOT id IN (100, 103)
score > 10 = 1
10 < score < 50
score = 5 IS NULL
score IS NULL = 0
score > 50 IS TRUE
score > 50 IS NOT FALSE
score IS TRUE
score IS UNKNOWN
score > 50 IS UNKNOWN
score > 50 IS NOT UNKNOWN
country = 'us' XOR score > 50 AND id > 200
country = 'us' XOR score > 50 OR id > 900
country = 'us' OR score > 50 XOR id > 200
country = 'us' || score > 50
country = 'us' && score > 50
score | 4 = 5
score & 4 = 4
score ^ 4 = 4
~score = 1
-score ^ 2 > 5
score << 1 > 50
5 BETWEEN 1 AND 10 AND score > 5
score BETWEEN 10 AND 20 AND 30
score NOT BETWEEN 10 AND NULL
score BETWEEN 50 AND 10
score IN (5)
score IN (score)
score IN (5, score)
5 IN (score, id)
NULL IN (score)
(score, country) = (5, 'us')
(score, country) <> (5, 'us')
(score, country) > (5, 'us')
(score, country) < (50, 'us')
(score, country) <=> (NULL, 'us')
ROW(score, country) = ROW(5, 'us')
(score, country) IN ((5,'us'), (NULL,'de'))
(score, country) NOT IN ((5,'us'), (NULL,'de'))
NOT (score, country) = (NULL, 'de')
((score, country) = (NULL, 'de')) IS NULL
(id, country) IN (SELECT customer_id, 'us' FROM tickets)
(id, score) = (SELECT 100, 5)
id = ANY (SELECT customer_id FROM tickets)
id <> ALL (SELECT customer_id FROM tickets)
id > ALL (SELECT customer_id FROM tickets WHERE 0)
id = SOME (SELECT customer_id FROM tickets)
id IN (SELECT customer_id FROM tickets GROUP BY customer_id WITH ROLLUP)
id NOT IN (SELECT customer_id FROM tickets GROUP BY customer_id WITH ROLLUP)
id NOT IN (SELECT customer_id FROM tickets WHERE status = 'open' GROUP BY customer_id WITH ROLLUP)
id NOT IN (SELECT customer_id FROM tickets UNION SELECT NULL)
id NOT IN (SELECT customer_id FROM tickets WHERE id < 10 UNION SELECT NULL)
id NOT IN (SELECT author_id FROM notes)
id NOT IN (SELECT MAX(customer_id) FROM tickets)
id NOT IN (SELECT MAX(customer_id) FROM tickets WHERE 0)
id NOT IN (SELECT customer_id FROM tickets HAVING COUNT(*) > 0)
id NOT IN (SELECT c.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.score > 50)
id IN (SELECT id FROM customers WHERE score > 50 LIMIT 3)
EXISTS (SELECT 1 FROM tickets LIMIT 0)
EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = customers.id LIMIT 0)
NOT EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = customers.id LIMIT 0)
NOT EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = customers.id HAVING COUNT(*) > 1)
EXISTS (SELECT COUNT(*) FROM tickets t WHERE t.customer_id = customers.id)
EXISTS (SELECT * FROM tickets t WHERE t.customer_id = customers.id AND EXISTS (SELECT 1 FROM notes n WHERE n.ticket_id = t.id))
EXISTS (SELECT * FROM tickets WHERE customer_id = customers.id)
EXISTS (SELECT * FROM customers c2 WHERE c2.id = customers.id + 3)
id = (SELECT customer_id FROM tickets t WHERE t.customer_id = customers.id LIMIT 1)
(SELECT 1) = 1
(SELECT score) > 50
score > (SELECT AVG(score) FROM customers)
(SELECT COUNT(*) FROM tickets t WHERE t.customer_id = customers.id) = 0
id IN (SELECT id UNION SELECT 100)
(@x := score) > 50
(@y := 5) = 5
@undefined IS NULL
MATCH(name) AGAINST ('anna')
JSON_EXTRACT('{"a":1}', '$.a') = 1
JSON_VALUE('{"a":"us"}', '$.a') = country
ELT(1, country) = 'us'
FIELD(country, 'us', 'de') = 1
INTERVAL(score, 10, 20) = 1
STRCMP(country, 'us') = 0
LOCATE('a', name) = 1
POSITION('a' IN name) = 1
INSTR(name, 'a') = 1
REPLACE(country, 'U', 'D') = 'DS'
LPAD(id, 5, '0') = '00100'
HEX(country) = '5553'
MD5(email) = MD5(email)
SHA1(email) LIKE '%a%'
FORMAT(id, 0) = '100'
ABS(score) = 5
ROUND(balance) = 10
FLOOR(balance) = 10
RAND() < 0.5
id = FLOOR(RAND() * 1000)
SLEEP(0) = 0
USER() LIKE '%'
DATABASE() = 'x'
VALUES(score) IS NULL
DEFAULT(score) IS NULL
score = DEFAULT(score)
TRUE
FALSE
NULL
'abc'
'1abc'
0.4
'0.4'
'a' = 'A'
'a' = 'a '
'a' LIKE 'A'
'a' = 0
'1' = 1
1 = 1.0
1 = '1.0'
'1' = '1.0'
TRUE = '1'
TRUE = 'true'
NULL = NULL
NULL <=> NULL
NULL IS NULL
1 IN (1, NULL)
2 NOT IN (1, NULL)
1.e0 = 1
.5 = 0.5
1e1 = 10
0x31 = '1'
0x31 = 1
x'31' = 49
b'1' = 1
9223372036854775808 > 9223372036854775807
18446744073709551615 = -1
'9007199254740993' = 9007199254740992
id > '1e1'
'' = 0
' ' = ''
'\0' = ''
'\Z' = 'Z'
'\z' = 'z'
'\%' = '%'
'\%' = '\\%'
'a''b' = 'a\'b'
"a""b" = 'a"b'
'a\tb' = 'a	b'
