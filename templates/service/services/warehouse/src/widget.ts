/** What one user keeps under a name. */
export interface Widget {
  /** UUIDv7. */
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly createdAt: Date;
}

/** What a caller reaches: everybody's, or a user's own. */
export type Access = "all" | { readonly ownerId: string };

/** 1 to 200 characters; neither blank, nor with what cannot be shown or stored: control characters, half characters. */
export const isWidgetName = (name: string): boolean =>
  name.trim() !== "" && [...name].length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(name);
