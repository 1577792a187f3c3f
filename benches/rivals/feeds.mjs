// Microseconds of CPU time that the npm packages take for a feed of the items in a JSON Feed, as a JSON object.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [source, folder] = process.argv.slice(2);
const load = createRequire(join(folder, "package.json"));
const { Feed } = load("feed");
const { generateRssFeed, generateAtomFeed, generateJsonFeed } = load("feedsmith");

const SECONDS_PER_FEED = 2;

const feed = JSON.parse(readFileSync(source, "utf8"));
const items = feed.items.map((item) => ({
  ...item,
  date_published: new Date(item.date_published),
  date_modified: new Date(item.date_modified),
  authors: item.authors ?? [],
  tags: item.tags ?? [],
}));

function made() {
  const made = new Feed({
    title: feed.title,
    description: feed.description,
    id: feed.home_page_url,
    link: feed.home_page_url,
    language: feed.language,
    updated: items[0].date_modified,
    feedLinks: { rss: feed.feed_url, atom: feed.feed_url, json: feed.feed_url },
  });
  for (const item of items) {
    made.addItem({
      title: item.title,
      id: item.id,
      link: item.url,
      description: item.summary,
      content: item.content_html,
      author: item.authors,
      category: item.tags.map((name) => ({ name })),
      published: item.date_published,
      date: item.date_modified,
    });
  }
  return made;
}

const rss = () =>
  generateRssFeed({
    title: feed.title,
    link: feed.home_page_url,
    description: feed.description,
    language: feed.language,
    lastBuildDate: items[0].date_modified,
    atom: { links: [{ href: feed.feed_url, rel: "self" }] },
    items: items.map((item) => ({
      title: item.title,
      link: item.url,
      description: item.summary,
      guid: { value: item.id, isPermaLink: false },
      pubDate: item.date_published,
      categories: item.tags.map((name) => ({ name })),
      atom: { updated: item.date_modified },
      content: { encoded: item.content_html },
      dc: { creators: item.authors.map((author) => author.name) },
    })),
  });

const atom = () =>
  generateAtomFeed({
    id: feed.home_page_url,
    title: { value: feed.title },
    subtitle: { value: feed.description },
    updated: items[0].date_modified,
    links: [{ href: feed.home_page_url }, { href: feed.feed_url, rel: "self" }],
    entries: items.map((item) => ({
      id: item.id,
      title: { value: item.title },
      links: [{ href: item.url }],
      summary: { value: item.summary },
      content: { value: item.content_html, type: "html" },
      published: item.date_published,
      updated: item.date_modified,
      authors: item.authors,
      categories: item.tags.map((term) => ({ term })),
    })),
  });

const json = () => JSON.stringify(generateJsonFeed({ ...feed, items }));

// The median, after as much time to warm up.
function microseconds(make) {
  const BATCH = 5;
  const times = [];
  const began = performance.now();
  while (performance.now() - began < 2000 * SECONDS_PER_FEED) {
    const before = process.cpuUsage();
    for (let round = 0; round < BATCH; round++) make();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / BATCH);
  }
  const warm = times.slice(times.length >> 1).sort((a, b) => a - b);
  return warm[warm.length >> 1];
}

const figures = {};
for (const [name, make] of Object.entries({
  "feed rss": () => made().rss2(),
  "feed atom": () => made().atom1(),
  "feed json": () => made().json1(),
  "feedsmith rss": rss,
  "feedsmith atom": atom,
  "feedsmith json": json,
})) {
  const text = make();
  if (!text.includes(items.at(-1).title.split(":")[0])) throw new Error(`${name} has not all items`);
  figures[name] = microseconds(make);
}
console.log(JSON.stringify(figures));
