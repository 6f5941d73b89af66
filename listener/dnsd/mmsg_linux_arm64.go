package dnsd

import "syscall"

const sysSENDMMSG = syscall.SYS_SENDMMSG
