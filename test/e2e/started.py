"""Which programs the given processes start, and what those start in turn: a line of JSON, the arguments, for each.

usage: started.py FILE PID...

Says `attached` once it follows them, and ends by SIGINT; what it followed goes on. strace would stop everything at
every system call, whichever calls are asked for, and a board that is followed takes minutes more; this stops only what
starts a process or a program (ptrace(2): PTRACE_SEIZE, and PTRACE_CONT instead of PTRACE_SYSCALL).
"""

import ctypes
import json
import os
import signal
import sys

CONT, SEIZE, LISTEN = 7, 0x4206, 0x4208
FOLLOW = 0x02 | 0x04 | 0x08 | 0x10  # PTRACE_O_TRACEFORK, _TRACEVFORK, _TRACECLONE, _TRACEEXEC
EVENT_EXEC, EVENT_STOP = 4, 128
WAIT_FOR_THREADS_TOO = 0x40000000  # __WALL
STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data):
    """Raises ProcessLookupError if the process is gone, as one that was killed while it stood."""
    if libc.ptrace(request, pid, None, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(pid))


def arguments(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return [word.decode(errors="backslashreplace") for word in file.read().split(b"\0")[:-1]]


def follow(out):
    while True:
        try:
            pid, status = os.waitpid(-1, WAIT_FOR_THREADS_TOO)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            continue
        sent, event = os.WSTOPSIG(status), status >> 16
        try:
            if event == EVENT_EXEC:
                out.write(json.dumps(arguments(pid)) + "\n")
            if event == EVENT_STOP and sent in STOPPING:
                ptrace(LISTEN, pid, 0)
            else:
                ptrace(CONT, pid, 0 if event else sent)
        except (ProcessLookupError, FileNotFoundError):
            continue


path, *pids = sys.argv[1:]
with open(path, "w", encoding="utf-8") as out:
    for pid in pids:
        ptrace(SEIZE, int(pid), FOLLOW)
    print("attached", flush=True)
    try:
        follow(out)
    except KeyboardInterrupt:
        pass
