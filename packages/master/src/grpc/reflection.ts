/** The reflection protocol: the descriptors that the services were generated from, for tools that have no `.proto` files. */
import {
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { reflectionWire } from '@cloudai/api';
import { Code, type ServiceImpl } from '@connectrpc/connect';

type Response = NonNullable<MessageInitShape<typeof reflectionWire.ServerReflectionResponseSchema>['messageResponse']>;

/** Each question is one answer; who asks more than this on one stream opens another. */
const MOST_QUESTIONS = 10_000;

export function reflectionService(
  services: readonly DescService[],
): ServiceImpl<typeof reflectionWire.ServerReflection> {
  const files = withImports(services.map(({ file }) => file));
  const registry = createRegistry(...files.values());
  return {
    async *serverReflectionInfo(requests) {
      let questions = 0;
      for await (const request of requests) {
        if (++questions > MOST_QUESTIONS) return;
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request, services, files, registry),
        };
      }
    },
  };
}

function answer(
  { messageRequest }: reflectionWire.ServerReflectionRequest,
  services: readonly DescService[],
  files: ReadonlyMap<string, DescFile>,
  registry: Registry,
): Response {
  switch (messageRequest.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map(({ typeName }) => ({ name: typeName })) } };
    case 'fileByFilename':
      return fileAnswer(files.get(messageRequest.value), messageRequest.value);
    case 'fileContainingSymbol':
      return fileAnswer(fileOf(registry, messageRequest.value), messageRequest.value);
    case 'allExtensionNumbersOfType':
      return { case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value } };
    default:
      return unknown('There are no extensions');
  }
}

function fileAnswer(file: DescFile | undefined, name: string): Response {
  if (file === undefined) return unknown(`${name} is not served here`);
  const all = [...withImports([file]).values()];
  const fileDescriptorProto = all.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

/** Of a type, a service, or a method or field of one. */
function fileOf(registry: Registry, symbol: string): DescFile | undefined {
  const known = registry.get(symbol) ?? registry.get(symbol.slice(0, symbol.lastIndexOf('.')));
  return known?.file;
}

function unknown(errorMessage: string): Response {
  return { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage } };
}

/** By name, what is imported before what imports it, with the name that `import` uses. */
function withImports(files: readonly DescFile[], all = new Map<string, DescFile>()): Map<string, DescFile> {
  for (const file of files) {
    if (all.has(file.proto.name)) continue;
    withImports(file.dependencies, all);
    all.set(file.proto.name, file);
  }
  return all;
}
