package mysqlbox_test

import "database/sql/driver"

// sqlBad is what makes database/sql throw a connection away.
func sqlBad() error { return driver.ErrBadConn }
