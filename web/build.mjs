// web/src/<entry>.js and the packages of the lock file in; build/web/ out: <entry>-<hash>.js and .css, both also
// compressed, manifest.json, licenses.txt. Same input, same bytes. Fetches nothing: `npm ci` has done that.
import { build } from "esbuild";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, "src");
const target = path.resolve(process.argv[2] ?? path.join(here, "..", "build", "web"));
const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i;

const entries = (await readdir(source)).filter((name) => name.endsWith(".js")).sort();
const result = await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => path.join("src", name)),
  outdir: target,
  entryNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none", // licenses.txt has the whole texts
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  loader: { ".svg": "dataurl" },
  metafile: true,
  write: false,
  logLevel: "warning",
});

await mkdir(target, { recursive: true });
const manifest = {};
const written = new Set(["manifest.json", "licenses.txt"]);
for (const file of result.outputFiles) {
  const name = path.basename(file.path);
  const bytes = Buffer.from(file.contents);
  const forms = {
    "": bytes,
    ".gz": gzipSync(bytes, { level: 9 }),
    ".br": brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  };
  for (const [suffix, content] of Object.entries(forms)) {
    await writeFile(path.join(target, name + suffix), content);
    written.add(name + suffix);
  }
  const [, entry, kind] = name.match(/^(.+)-[0-9A-Z]+\.(js|css)$/);
  const described = (manifest[entry] ??= { script: null, style: null, bytes: 0, gzip: 0 });
  described[kind === "js" ? "script" : "style"] = name;
  described.bytes += bytes.length;
  described.gzip += forms[".gz"].length;
}
await writeFile(path.join(target, "licenses.txt"), await readLicenses(Object.keys(result.metafile.inputs)));
// Last, and in one step: whoever serves while this runs sees the old bundles or the new ones.
const draft = path.join(target, "manifest.json.new");
await writeFile(draft, JSON.stringify(manifest, null, 1) + "\n");
await rename(draft, path.join(target, "manifest.json"));
for (const name of await readdir(target)) {
  if (!written.has(name)) await rm(path.join(target, name), { recursive: true });
}
for (const [entry, { bytes, gzip }] of Object.entries(manifest)) {
  console.log(`${entry}: ${Math.ceil(bytes / 1024)} KiB, ${Math.ceil(gzip / 1024)} KiB compressed`);
}

// The licence of every package of which a file is in a bundle, and of all that those depend on: some are published
// with their dependencies inside.
async function readLicenses(inputs) {
  const waiting = [];
  for (const input of inputs) {
    const found = input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/);
    if (found) waiting.push(found[0]);
  }
  const parts = new Map();
  while (waiting.length) {
    const folder = waiting.pop();
    if (parts.has(folder)) continue;
    const described = JSON.parse(await readFile(path.join(here, folder, "package.json"), "utf8"));
    for (const name of Object.keys(described.dependencies ?? {})) waiting.push(findPackage(folder, name));
    const files = (await readdir(path.join(here, folder))).filter((name) => LICENSE_FILE.test(name)).sort();
    const texts = await Promise.all(files.map((name) => readFile(path.join(here, folder, name), "utf8")));
    const author = typeof described.author === "string" ? described.author : described.author?.name;
    const title = `${described.name} ${described.version}, ${described.license}${author ? `, ${author}` : ""}`;
    parts.set(folder, [title, "=".repeat(title.length), ...texts.map((text) => text.trim())].join("\n"));
  }
  return [...parts.keys()].sort().map((folder) => parts.get(folder)).join("\n\n\n") + "\n";
}

// Where Node finds a package from within another.
function findPackage(folder, name) {
  const nested = path.posix.join(folder, "node_modules", name);
  if (existsSync(path.join(here, nested))) return nested;
  const outer = folder.lastIndexOf("/node_modules/");
  return outer < 0 ? path.posix.join("node_modules", name) : findPackage(folder.slice(0, outer), name);
}
