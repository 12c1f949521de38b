/** The users that the rules of orders need. */
export interface Users {
  /** Whether the user may order: known, not blocked, not deleted. Throws where that cannot be learnt now. */
  isActive(userId: string, signal: AbortSignal): Promise<boolean>;
}
