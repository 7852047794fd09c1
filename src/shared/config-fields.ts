/** Of several parts of the IM server's configuration. */
import { z } from "zod";

export const Port = z.int().min(0).max(65_535);
export const FilePath = z.string().startsWith("/", "an absolute path");
