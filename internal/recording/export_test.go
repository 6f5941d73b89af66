package recording

// Place checks where an address leads.
func Place(address string, hosts []string) (string, error) { return place(address, hosts) }
