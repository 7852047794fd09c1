/** Event content: any JSON object. */
import { z } from "zod";
import { isObject, type JsonObject } from "../core/json.js";

// Not z.json(): a body came through JSON.parse and holds nothing else; walking it again proves nothing.
export const Content = z.custom<JsonObject>(isObject, "an object");
