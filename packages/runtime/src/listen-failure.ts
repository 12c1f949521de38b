import { StartError } from "@tenon/errors";

export interface ListenFailure {
  /** The service that wants to listen. */
  name: string;
  /** The variable that says where. */
  variable: "PORT" | "ADMIN_PORT" | "HEALTH_PORT";
  host: string;
  port: number;
}

/** What to tell whoever starts a process that cannot listen: which port, whose, said by which variable, and what to do. */
export function listenFailure(error: unknown, { name, variable, host, port }: ListenFailure): StartError {
  const said = error instanceof Error ? error.message : String(error);
  const where = `${name} cannot listen on ${host}, port ${port}`;
  // Services that share an environment have variables of their own.
  const setting = `${variable} (${name.toUpperCase()}_${variable} where services share a process)`;
  if (said.includes("EADDRINUSE")) {
    return new StartError(`${where}: it is in use; end the process that has it, or set ${setting}`, { cause: error });
  }
  if (said.includes("EACCES")) {
    return new StartError(`${where}: not allowed; set ${setting} to 1024 or above`, { cause: error });
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_|resol/i.test(said)) {
    return new StartError(`${where}: HOST is not an address of this machine`, { cause: error });
  }
  return new StartError(`${where} (${variable}): ${said.split("\n", 1)[0]}`, { cause: error });
}
