/**
 * Token buckets: a burst at once, then so many a second.
 */
import type { ServerConfig } from "../../shared/server-config.js";
import { Failure } from "./failure.js";

export type LimitName = Exclude<keyof ServerConfig["rateLimits"], "enabled" | "trustedProxies">;

interface Bucket {
  left: number;
  filledAt: number;
}

/** Buckets that are remembered; the oldest are full again long before they are forgotten. */
const REMEMBERED = 50_000;

export class RateLimits {
  readonly #settings: ServerConfig["rateLimits"];
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: ServerConfig["rateLimits"]) {
    this.#settings = settings;
  }

  /** @throws Failure M_LIMIT_EXCEEDED with the time after which to come again */
  take(name: LimitName, who: string): void {
    if (this.#settings.enabled) this.#filled(name, who).left -= 1;
  }

  /** For what counts only when it has come out badly. @throws Failure M_LIMIT_EXCEEDED as `take` would */
  assertLeft(name: LimitName, who: string): void {
    if (this.#settings.enabled) this.#filled(name, who);
  }

  #filled(name: LimitName, who: string): Bucket {
    const { perSecond, burst } = this.#settings[name];
    const now = performance.now();
    const key = `${name} ${who}`;
    const bucket = this.#buckets.get(key) ?? { left: burst, filledAt: now };
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > REMEMBERED) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    if (bucket.left < 1) {
      throw new Failure("M_LIMIT_EXCEEDED", "too many requests", {
        retry_after_ms: Math.ceil(((1 - bucket.left) / perSecond) * 1000),
      });
    }
    return bucket;
  }
}
