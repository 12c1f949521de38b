/** The smoke test cannot run here, or has failed. Its message is for the person who ran it. */
export class SmokeFailure extends Error {
  override readonly name = "SmokeFailure";
}
