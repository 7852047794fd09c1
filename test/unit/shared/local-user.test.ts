import { userInfo } from "node:os";
import { afterEach, expect, test, vi } from "vitest";

vi.mock("node:os", async (original) => {
  const os = await original<{ userInfo: typeof userInfo }>();
  return { ...os, userInfo: vi.fn(os.userInfo) };
});
afterEach(() => void vi.unstubAllEnvs());

test("the login's name; without an entry for its number, USER's word or none", async () => {
  const { localUser } = await import("../../../src/shared/local-user.js");
  expect(localUser()).toBe(userInfo().username);
  vi.mocked(userInfo).mockImplementation(() => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  });
  vi.stubEnv("USER", "ada");
  expect(localUser()).toBe("ada");
  vi.stubEnv("USER", undefined);
  expect(localUser()).toBe("");
});
