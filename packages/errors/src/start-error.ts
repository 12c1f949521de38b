/**
 * A process cannot start, for a reason that whoever starts it can mend: a port in use, a key file that is missing. Its
 * message is one line for that person, which names the thing and what to do; it is shown without a stack.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}
