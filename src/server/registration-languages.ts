/**
 * What registration files are written in: YAML, and RE2's regular expressions. Half a megabyte of program, so only
 * those who have application services load it.
 *
 * A module of its own, as of a CommonJS package that is loaded late the bundler keeps `default` alone, and no names.
 */
export { parse } from "yaml";
export { RE2JS } from "re2js";
