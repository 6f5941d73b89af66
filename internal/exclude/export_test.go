package exclude

// Parse is parse, for the tests.
func Parse(body []byte) ([]string, error) {
	q, _, err := parse(body)
	return q.Customers, err
}
