import type { WebSocket } from "ws";

export interface HeartbeatOptions {
  intervalMs: number;
  /** For the answer to a ping to come. */
  timeoutMs: number;
}

/**
 * Pings a client until its socket closes, and lets go of one that does not answer. While the socket is paused nothing of it
 * is read, so that no answer can be missed: the backend that holds it back has a deadline.
 */
export function keepAlive(socket: WebSocket, { intervalMs, timeoutMs }: HeartbeatOptions): void {
  let deadline: NodeJS.Timeout | undefined;
  const hear = () => {
    clearTimeout(deadline);
    deadline = undefined;
  };
  const pings = setInterval(() => {
    if (socket.readyState !== socket.OPEN || socket.isPaused || deadline !== undefined) return;
    socket.ping();
    deadline = setTimeout(() => {
      if (socket.isPaused) hear();
      else socket.terminate();
    }, timeoutMs);
  }, intervalMs);
  socket.on("pong", hear);
  socket.on("message", hear);
  socket.on("close", () => {
    clearInterval(pings);
    clearTimeout(deadline);
  });
}
