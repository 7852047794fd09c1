/**
 * Presence is not kept yet; the group stands for its place. A client that sets it is told so.
 * Source: Matrix client-server API v1.19, "Presence".
 */
import { group } from "./endpoint.js";

export const presence = group("Presence", []);
