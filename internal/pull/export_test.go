package pull

// What the tests of the form look at.
var (
	AppendRecord = appendRecord
	ReadRecords  = readRecords
)
