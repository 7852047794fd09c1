/**
 * What a killed useradd, userdel or usermod leaves in /etc: locks, half-written files.
 *
 * A lock names its process by number. After a reboot another process has that number, and no account can be
 * changed any more. A living shadow-utils process also holds the kernel's lock on /etc/.pwd.lock, which dies with it:
 * where nobody holds that, these files are nobody's.
 *
 * Sources: shadow-utils 4.5 to 4.17, lib/commonio.c; lckpwdf(3); proc_locks(5).
 */
import { sh, type Script } from "../board/script.js";

/** Defines `leftovers`, which prints their paths. */
export const leftoversFunction: Script = sh`
leftovers() {
  ! grep -qs ":$(stat -c %i /etc/.pwd.lock 2> /dev/null || echo none) " /proc/locks || return 0
  for database in passwd shadow group gshadow subuid subgid; do
    for path in "/etc/$database+" "/etc/$database.lock" "/etc/$database".[0-9]*; do
      [ -e "$path" ] || continue
      case $path in
        # What a lock is made of: it holds its own number. Other files with a number are somebody's copies.
        *[0-9]) number=; read -r number < "$path" || :; [ "$number" = "\${path##*.}" ] || continue ;;
      esac
      printf '%s\n' "$path"
    done
  done
}`;

export const sweepLeftovers: Script = sh`
${leftoversFunction}
leftovers | while IFS= read -r path; do rm -f "$path"; done`;
