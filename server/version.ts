/** The version of this server, as in package.json; a release changes both. */
export const VERSION = '0.1.0'
