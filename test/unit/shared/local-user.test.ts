import { userInfo } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { localUser } from "../../../src/shared/local-user.js";

afterEach(() => void vi.unstubAllEnvs());

test("the login's name; without an entry for its number, USER's word or none", () => {
  expect(localUser()).toBe(userInfo().username);
  const nameless = () => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  };
  vi.stubEnv("USER", "ada");
  expect(localUser(nameless)).toBe("ada");
  vi.stubEnv("USER", undefined);
  expect(localUser(nameless)).toBe("");
});
