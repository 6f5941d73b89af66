package helpdesk

// Schema returns the statements that make the empty database, in order: the
// tables, their secondary indexes, the foreign key. They run on MySQL 8,
// MariaDB 10.11 and go-mysql-server. [Load] runs them itself.
//
// Everything is made while the tables are empty. Rows that come by the hundred
// cost each index one sort per statement; on a full table go-mysql-server builds
// an index row by row, and its foreign key takes milliseconds for each row.
func Schema() []string {
	return []string{
		`CREATE TABLE customers (
	id bigint NOT NULL AUTO_INCREMENT,
	first_name varchar(64) NOT NULL,
	last_name varchar(64) NOT NULL,
	email varchar(191) NOT NULL,
	phone varchar(32) NULL,
	country char(2) NOT NULL,
	language varchar(8) NOT NULL,
	product varchar(64) NOT NULL,
	newsletter tinyint NOT NULL DEFAULT 0,
	status varchar(16) NOT NULL DEFAULT 'active',
	created_at datetime NOT NULL,
	updated_at datetime NOT NULL,
	PRIMARY KEY (id)
) DEFAULT CHARSET=utf8mb4`,
		`CREATE TABLE tickets (
	id bigint NOT NULL AUTO_INCREMENT,
	number varchar(20) NOT NULL,
	customer_id bigint NOT NULL,
	subject varchar(191) NOT NULL,
	status varchar(16) NOT NULL DEFAULT 'open',
	priority varchar(16) NOT NULL DEFAULT 'normal',
	channel varchar(16) NOT NULL,
	created_at datetime NOT NULL,
	updated_at datetime NOT NULL,
	PRIMARY KEY (id)
) DEFAULT CHARSET=utf8mb4`,
		`CREATE UNIQUE INDEX customers_email ON customers (email)`,
		`CREATE UNIQUE INDEX tickets_number ON tickets (number)`,
		`CREATE INDEX tickets_customer ON tickets (customer_id)`,
		`ALTER TABLE tickets ADD CONSTRAINT tickets_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id)`,
	}
}
