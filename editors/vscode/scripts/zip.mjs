// A ZIP archive that depends on nothing but what goes in: no clock, no owner, no order of a file system.

import { crc32, deflateRawSync } from "node:zlib";

// 1980-01-01, the first day that the format knows.
const DATE = (0 << 9) | (1 << 5) | 1;
const UTF8 = 1 << 11;
const UNIX = 3;

/** The archive of `files`: {name, bytes, executable}, in the order of their names. */
export function zip(files) {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const [locals, centrals] = [[], []];
  let offset = 0;
  for (const { name, bytes, executable } of sorted) {
    const path = Buffer.from(name, "utf8");
    const deflated = deflateRawSync(bytes, { level: 9 });
    const stored = deflated.length >= bytes.length;
    const data = stored ? bytes : deflated;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(UTF8, 2);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt16LE(0, 6); // time
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(bytes) >>> 0, 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, path, data]);
    locals.push(local);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((executable ? 0o100755 : 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, UNIX]);
    centrals.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), made, common, tail, path]));
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(sorted.length, 8);
  end.writeUInt16LE(sorted.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
