/**
 * The accounts of every virtual board: one for each way in that imcloud supports.
 *
 * The passwords are public on purpose: boards are reachable from this machine only. `templates/lab/customize.sh`
 * makes the accounts.
 */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly password: string;
  /** Whether the lab's SSH key opens it. */
  readonly keyAuthorized: boolean;
  readonly sudo: "without-password" | "with-password" | "none";
}

export const ACCOUNTS = {
  /** As on a board that was set up with the Raspberry Pi's own tools. */
  pi: { name: "pi", uid: 1000, password: "pi-password", keyAuthorized: true, sudo: "without-password" },
  worker: {
    name: "worker",
    uid: 1001,
    password: "worker-password",
    keyAuthorized: true,
    sudo: "with-password",
  },
  nosudo: { name: "nosudo", uid: 1002, password: "nosudo-password", keyAuthorized: true, sudo: "none" },
  /** Opened by its password alone, until somebody installs a key. */
  fresh: {
    name: "fresh",
    uid: 1003,
    password: "fresh-password",
    keyAuthorized: false,
    sudo: "without-password",
  },
} as const satisfies Record<string, Account>;
export type AccountName = keyof typeof ACCOUNTS;
