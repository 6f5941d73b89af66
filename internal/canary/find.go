package canary

// Facts of a contact by dump: a token in a file.
const (
	FindFile   = "sha256" // of the file as it is
	FindWeight = "weight" // FindWeak or FindChance; empty: it is evidence
	FindOffset = "offset" // in bytes
	FindLine   = "line"   // from 1
	FindInside = "inside" // in what packed or encoded part of the file
)

// What a find is worth that is no evidence by itself.
const (
	FindWeak   = "weak"   // chance makes as much in any file
	FindChance = "chance" // the placebos in the same file show that it is chance
)

// EarScan is the ear of finds in files.
const EarScan = "scan"
