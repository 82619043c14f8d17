// Builds ../dist: Tabler's style, cut down to what the pages use, and htmx; names change with the content, gzip beside.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { PurgeCSS } from "purgecss";

const dist = new URL("../dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) if (name !== ".gitkeep") rmSync(new URL(name, dist));

function put(name, ext, text) {
  const body = Buffer.from(text);
  const file = `${name}.${createHash("sha256").update(body).digest("hex").slice(0, 12)}.${ext}`;
  writeFileSync(new URL(file, dist), body);
  const gz = gzipSync(body, { level: 9 });
  writeFileSync(new URL(`${file}.gz`, dist), gz);
  console.log(`${file}: ${body.length} bytes, ${gz.length} with gzip`);
  return file;
}

const purged = await new PurgeCSS().purge({
  content: ["../*.templ", "../static/*.js"],
  css: ["node_modules/@tabler/core/dist/css/tabler.min.css"],
  safelist: { standard: [/^data-bs-theme/, "is-invalid"], greedy: [/data-bs-theme/] },
  variables: false,
});
const css = await transform(purged[0].css, { loader: "css", minify: true });
const htmx = readFileSync("node_modules/htmx.org/dist/htmx.min.js", "utf8");
const manifest = {
  styles: [put("tabler", "css", css.code)],
  scripts: [put("htmx", "js", htmx)],
};
function licence(name) {
  const from = `node_modules/${name}`;
  const file = readdirSync(from).find((entry) => /^licen[cs]e/i.test(entry));
  const { license, version } = JSON.parse(readFileSync(`${from}/package.json`, "utf8"));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${from}/${file}`, "utf8") : ""}`;
}
writeFileSync(new URL("licences.txt", dist), ["@tabler/core", "htmx.org"].map(licence).join("\n----\n\n"));
writeFileSync(new URL("manifest.json", dist), JSON.stringify(manifest, null, 1) + "\n");
