package main

import "syscall"

// nullSignal only asks whether a process is there.
const nullSignal = syscall.Signal(0)
