"""Microseconds of CPU time that the Python libraries take for a feed of the items in a JSON Feed, as a JSON object."""

import datetime
import json
import statistics
import sys
import time

from django.utils import feedgenerator
from feedgen.feed import FeedGenerator

SECONDS_PER_FEED = 2


def main():
    feed = json.load(open(sys.argv[1], encoding="utf-8"))
    items = feed["items"]
    for item in items:
        for name in ["date_published", "date_modified"]:
            item[name] = datetime.datetime.fromisoformat(item[name])
    figures = {}
    for name, make in {
        "feedgen rss": lambda: feedgen(feed, items, dublin_core=True).rss_str(),
        "feedgen atom": lambda: feedgen(feed, items).atom_str(),
        "Django rss": lambda: django(feed, items, feedgenerator.Rss201rev2Feed),
        "Django atom": lambda: django(feed, items, feedgenerator.Atom1Feed),
    }.items():
        text = make()
        text = text.decode() if isinstance(text, bytes) else text
        assert items[-1]["title"].split(":")[0] in text, name
        figures[name] = microseconds(make)
    print(json.dumps(figures))


def feedgen(feed, items, dublin_core=False):
    generator = FeedGenerator()
    generator.id(feed["home_page_url"])
    generator.title(feed["title"])
    generator.link(href=feed["home_page_url"], rel="alternate")
    generator.link(href=feed["feed_url"], rel="self")
    generator.description(feed["description"])
    generator.language(feed["language"])
    generator.updated(items[0]["date_modified"])
    if dublin_core:
        generator.load_extension("dc")
    for item in items:
        entry = generator.add_entry(order="append")
        entry.id(item["id"])
        entry.guid(item["id"], permalink=False)
        entry.title(item["title"])
        entry.link(href=item["url"])
        entry.description(item["summary"])
        entry.content(item["content_html"], type="html" if not dublin_core else "CDATA")
        entry.published(item["date_published"])
        entry.updated(item["date_modified"])
        for author in item.get("authors", []):
            entry.dc.dc_creator(author["name"]) if dublin_core else entry.author(name=author["name"])
        for tag in item.get("tags", []):
            entry.category(term=tag)
    return generator


def django(feed, items, kind):
    """Its feeds have one text for each item, so these have the whole text and no lead."""
    made = kind(
        title=feed["title"],
        link=feed["home_page_url"],
        description=feed["description"],
        language=feed["language"],
        feed_url=feed["feed_url"],
    )
    for item in items:
        made.add_item(
            title=item["title"],
            link=item["url"],
            description=item["content_html"],
            author_name=", ".join(author["name"] for author in item.get("authors", [])),
            pubdate=item["date_published"],
            updateddate=item["date_modified"],
            unique_id=item["id"],
            unique_id_is_permalink=False,
            categories=item.get("tags", []),
        )
    return made.writeString("utf-8")


def microseconds(make):
    """The median, after as much time to warm up."""
    times, began = [], time.monotonic()
    while time.monotonic() - began < 2 * SECONDS_PER_FEED:
        before = time.process_time_ns()
        make()
        times.append((time.process_time_ns() - before) / 1000)
    return statistics.median(times[len(times) // 2 :])


main()
