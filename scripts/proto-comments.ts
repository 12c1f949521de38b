import type { DescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/**
 * What a file says in comments, by the full name of what each is about: `user.v1.User.email`, and `user.v1.Role.ROLE_USER`
 * for a value of an enum. Leading comments only. Generated code drops them, and whoever documents an API needs them.
 */
export function commentsOf(file: FileDescriptorProto): Map<string, string> {
  const comments = new Map<string, string>();
  for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
    const name = leadingComments === "" ? undefined : nameAt(file, path);
    if (name !== undefined) comments.set(name, leadingComments.replaceAll(/^ /gm, "").trim());
  }
  return comments;
}

/** The name of what a path through the descriptor leads to (descriptor.proto, SourceCodeInfo); undefined for what has none. */
function nameAt(file: FileDescriptorProto, [kind, index, ...rest]: readonly number[]): string | undefined {
  if (index === undefined) return undefined;
  const within = (name: string) => (file.package === "" ? name : `${file.package}.${name}`);
  switch (kind) {
    case 4: {
      const message = file.messageType[index];
      return message && nameInMessage(message, within(message.name), rest);
    }
    case 5: {
      const desc = file.enumType[index];
      return desc && nameOfMember(within(desc.name), desc.value, rest);
    }
    case 6: {
      const service = file.service[index];
      return service && nameOfMember(within(service.name), service.method, rest);
    }
    default:
      return undefined;
  }
}

function nameInMessage(message: DescriptorProto, name: string, path: readonly number[]): string | undefined {
  const [kind, index, ...rest] = path;
  if (kind === undefined) return name;
  if (kind === 2) return nameOfMember(name, message.field, path);
  const nested = kind === 3 ? message.nestedType[index ?? -1] : undefined;
  if (nested) return nameInMessage(nested, `${name}.${nested.name}`, rest);
  const inner = kind === 4 ? message.enumType[index ?? -1] : undefined;
  return inner && nameOfMember(`${name}.${inner.name}`, inner.value, rest);
}

/** Members of all kinds (fields, methods, values) are the second field of what has them. */
function nameOfMember(name: string, members: readonly { name: string }[], path: readonly number[]): string | undefined {
  const [kind, index, more] = path;
  if (kind === undefined) return name;
  const member = kind === 2 && more === undefined ? members[index ?? -1] : undefined;
  return member && `${name}.${member.name}`;
}
