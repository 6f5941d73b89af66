package dnsd

// sysSENDMMSG is not among the numbers that the package syscall has kept for
// this processor.
const sysSENDMMSG = 307
