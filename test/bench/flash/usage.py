"""usage.py FILE PROGRAM ARGUMENT...: runs it, and adds a line of JSON to FILE: [wall s, CPU s, peak MiB].

CPU is of all that it started and waited for, the peak of the largest of these. Source: getrusage(2), RUSAGE_CHILDREN.
"""
import json
import resource
import subprocess
import sys
import time

file, *command = sys.argv[1:]
start = time.monotonic()
status = subprocess.run(command).returncode
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(file, "a") as lines:
    lines.write(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]) + "\n")
sys.exit(status if status >= 0 else 128 - status)
