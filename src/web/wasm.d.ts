/** The build copies such files to the assets. */
declare module "*.wasm" {
  /** Its address on the server, from `/`. */
  const address: string;
  export default address;
}
declare module "*.css";
