/**
 * What links and code may be in formatted messages: in those that are read, and so in those that are sent.
 * Source: Matrix client-server API v1.19, "m.room.message msgtypes".
 */

/** Schemes of links; relative ones would lead into this page. */
export const LINK = /^(?:https?|ftp|mailto|magnet|matrix):/i;

/** A language of code, behind `language-`. */
export const LANGUAGE = /^[\w+#.-]+$/;
