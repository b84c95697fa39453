// Reads as much of OTLP's `ExportTraceServiceRequest` as the tests ask about, from the bytes on the wire: a decoder of
// our own, so that the exporter is not checked by its own code.
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Field = { readonly number: number; readonly bytes: Buffer; readonly value: bigint };
type Fields = readonly Field[];

const ERROR = 2n;

export function decodeSpans(body: Buffer): ReceivedSpan[] {
  return all(read(body), 1).flatMap((resourceSpans) => {
    const fields = read(resourceSpans);
    const resource = attributesOf(read(first(fields, 1)), 1);
    const service = String(resource['service.name'] ?? '');
    return all(fields, 2).flatMap((scope) => all(read(scope), 2).map((span) => spanOf(service, read(span))));
  });
}

function spanOf(service: string, fields: Fields): ReceivedSpan {
  const parent = first(fields, 4).toString('hex');
  return {
    service,
    traceId: first(fields, 1).toString('hex'),
    spanId: first(fields, 2).toString('hex'),
    parentId: parent === '' ? null : parent,
    name: first(fields, 5).toString(),
    startedAt: Number(numberOf(fields, 7)) / 1e6,
    endedAt: Number(numberOf(fields, 8)) / 1e6,
    isError: numberOf(read(first(fields, 15)), 3) === ERROR,
    attributes: attributesOf(fields, 9),
  };
}

function attributesOf(fields: Fields, number: number): Record<string, unknown> {
  return Object.fromEntries(
    all(fields, number).map((pair) => {
      const entry = read(pair);
      const [value] = read(first(entry, 2));
      return [first(entry, 1).toString(), value?.number === 1 ? value.bytes.toString() : Number(value?.value ?? 0n)];
    }),
  );
}

function all(fields: Fields, number: number): Buffer[] {
  return fields.filter((field) => field.number === number).map(({ bytes }) => bytes);
}

function first(fields: Fields, number: number): Buffer {
  return all(fields, number)[0] ?? Buffer.alloc(0);
}

function numberOf(fields: Fields, number: number): bigint {
  return fields.find((field) => field.number === number)?.value ?? 0n;
}

function read(message: Buffer): Fields {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        fields.push({ number, bytes: Buffer.alloc(0), value: varint() });
        break;
      case 1:
        fields.push({ number, bytes: Buffer.alloc(0), value: take(8).readBigUInt64LE() });
        break;
      case 2: {
        const bytes = take(Number(varint()));
        fields.push({ number, bytes, value: 0n });
        break;
      }
      case 5:
        fields.push({ number, bytes: Buffer.alloc(0), value: BigInt(take(4).readUInt32LE()) });
        break;
      default:
        throw new Error(`wire type ${tag & 7} at byte ${at} of ${message.length}`);
    }
  }
  return fields;
}
