import { z } from "zod";

/** The part of a user id before the colon. Source: Matrix specification, appendices, "User Identifiers". */
export const AccountName = z
  .string()
  .regex(/^[a-z0-9._=/+-]{1,200}$/, "lower-case letters, digits and . _ = - / +");
