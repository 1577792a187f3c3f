//! Accessibility: each kind of page is checked by axe-core against WCAG 2.2 AA and walked with the keyboard.

mod in_a_browser {
    use crate::support::browser::Browser;
    use crate::support::portal::{Portal, item, pull, rss};
    use crate::support::requirement::{Requirement, is_missing};
    use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article};

    /// The key codes of WebDriver.
    const TAB: char = '\u{e004}';
    const ENTER: char = '\u{e007}';

    const SCREENS: [(u32, u32); 2] = [(390, 844), (1280, 900)];

    /// One of each kind of page.
    const PAGES: [&str; 15] = [
        "/",
        "/xa-hoi/",
        "/cu/",
        "/bai-viet/2023/05/12/thi-dua",
        "/bai-viet/2023/05/13/bang-va-danh-sach",
        "/bai-viet/2023/05/13/da-go",
        "/theo-thang/",
        "/theo-thang/2023/",
        "/theo-thang/2023/05/",
        "/tim-kiem",
        "/tim-kiem?q=thi+dua",
        "/tim-kiem?q=khong-bai-nao",
        "/xa-hoi/rss.xml",
        "/tro-giup-tiep-can",
        "/khong/co",
    ];

    /// The editing pages, below `/soan/`.
    const EDITING: [&str; 10] = [
        "",
        "bai?id=tag%3Adakto.example%2C2023%3A2023-05-13%2Fda-go",
        "lich-su?id=tag%3Adakto.example%2C2023%3A2023-05-13%2Fda-go&a=1&b=2",
        "bai-moi",
        "bai?id=tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua",
        "lich-su?id=tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua",
        "go?id=tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua",
        "nguon",
        "nguon?id=X%C3%A3%20A",
        "noi-nhan",
    ];

    const RICH: &str = "+++\ntitle = \"Bảng và danh sách\"\npublished = \"13/05/2023 08:00\"\ntags = [\"thi đua\"]\n+++\n\n\
        Lời dẫn của bài.\n\n## Tiêu đề phụ\n\n- một\n- hai\n\n| Thôn | Số hộ |\n|---|---|\n| 1 | 20 |\n\n\
        > Lời trích [có liên kết](https://example.vn/).\n";

    fn seeded() -> TestSite {
        let test_site = TestSite::new();
        test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
        image::RgbImage::from_pixel(1200, 800, image::Rgb([90, 120, 60]))
            .save(test_site.path("feeds/xa-hoi/thi-dua.png"))
            .unwrap();
        test_site.write("xa-hoi/bang-va-danh-sach.md", RICH);
        test_site.write("xa-hoi/da-go.txt", article("Bài đã gỡ", "13/05/2023 09:00", "Lời dẫn."));
        test_site.write("cu/bai-cu.txt", article("Bài của mục đã đóng", "13/05/2022 09:00", "Lời dẫn."));
        test_site.ok(&["scan"]);
        test_site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/da-go", "--reason", "Sai số liệu"]);
        let notice =
            "[site]\nnotice = { text = \"Cổng nghỉ Tết.\", from = 2023-01-01, until = 2199-01-01 }\n";
        let config = std::fs::read_to_string(test_site.path("config.toml")).unwrap();
        let config = config.replace("[site]\n", notice);
        std::fs::write(
            test_site.path("config.toml"),
            config + "\n[[channel]]\nslug = \"cu\"\ntitle = \"Mục cũ\"\nclosed = 2023-06-01\n",
        )
        .unwrap();
        test_site
    }

    /// A source with an item that waits for a decision and what was repaired, one that fails, and a webhook that fails.
    fn collecting(test_site: &TestSite) -> Portal {
        let portal = Portal::new();
        let dated = "Fri, 12 May 2023 17:39:00 GMT+7";
        let text = "Sáng nay, xã họp dân ở nhà rông để bàn việc làm đường vào làng.";
        portal.serves(
            "/rss.xml",
            rss(&[
                item("a", "Không ngày", "", &portal.url("/a"), "A."),
                item("b", "Có ngày", dated, &portal.url("/b"), text),
            ]),
        );
        portal.serves("/c.xml", rss(&[item("c", "Có ngày", dated, &portal.url("/c"), text)]));
        let source = |name: &str, path: &str| {
            let url = portal.url(path);
            format!(
                "[[source]]\nname = \"{name}\"\nurl = \"{url}\"\nchannels = [\"xa-hoi\"]\nallow_private = true\n"
            )
        };
        let webhook =
            format!("[[webhook]]\nurl = \"{}\"\nsecret = \"một khóa đủ dài\"\n", portal.url("/khong-co"));
        let sources = [("Xã A", "/rss.xml"), ("Xã B", "/khong-co"), ("Xã C", "/c.xml")];
        let sources = sources.map(|(name, path)| source(name, path)).concat();
        test_site.configure(&(sources + &webhook));
        for name in ["Xã A", "Xã B", "Xã C"] {
            pull(test_site, name);
        }
        portal
    }

    fn violations(browser: &Browser, axe: &str) -> Vec<String> {
        browser.run(&format!("{axe}; return null"));
        let found = browser.run_async(
            "const done = arguments[0]; \
             axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
               .then(found => done({ passes: found.passes.length, violations: found.violations.flatMap( \
                 rule => rule.nodes.map(node => `${rule.id}: ${node.html} ${node.failureSummary}`)) }), \
                 error => done({ passes: 0, violations: [String(error)] }))",
        );
        assert!(found["passes"].as_u64().unwrap() >= 10, "axe looked at nothing: {found}");
        found["violations"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn axe_finds_no_barrier_on_any_kind_of_page() {
        if is_missing(Requirement::Program("chromedriver")) || is_missing(Requirement::Axe) {
            return;
        }
        let axe = std::fs::read_to_string(std::env::var("BANTIN_TEST_AXE").unwrap()).unwrap();
        let test_site = seeded();
        let _portal = collecting(&test_site);
        test_site.write("xa-hoi/sai-ngay.txt", article("Sai ngày", "32/13/2023 08:00", "Lời dẫn."));
        let secret = test_site.ok(&["token", "new", "Văn phòng"]).trim().to_owned();
        let serving = test_site.serve();
        let browser = Browser::open();
        let mut barriers = Vec::new();
        for (width, height) in SCREENS {
            for colours in ["light", "dark"] {
                browser.set_screen(width, height).set_preference("prefers-color-scheme", colours);
                for path in PAGES {
                    browser.go(&serving, path);
                    let found = violations(&browser, &axe);
                    barriers.extend(found.iter().map(|one| format!("{path} {width} px {colours}: {one}")));
                }
            }
        }
        browser.go(&serving, "/soan/dang-nhap");
        barriers.extend(violations(&browser, &axe).iter().map(|one| format!("login: {one}")));
        browser.go(&serving, "/soan/").write("#ma", &secret).click("main button");
        for (width, height) in SCREENS {
            for colours in ["light", "dark"] {
                browser.set_screen(width, height).set_preference("prefers-color-scheme", colours);
                for path in EDITING {
                    browser.go(&serving, &format!("/soan/{path}"));
                    let found = violations(&browser, &axe);
                    barriers
                        .extend(found.iter().map(|one| format!("/soan/{path} {width} px {colours}: {one}")));
                }
            }
        }
        assert!(barriers.is_empty(), "{}", barriers.join("\n"));
    }

    /// What has the focus: its text, whether it is seen, and whether its focus is seen.
    const FOCUS: &str = "const e = document.activeElement; const box = e.getClientRects()[0]; \
        const style = getComputedStyle(e); const x = box.x + box.width / 2, y = box.y + box.height / 2; \
        const top = document.elementFromPoint(x, y); \
        return { name: (e.innerText || e.value || e.placeholder || e.id).trim(), body: e === document.body, \
          seen: box.width > 0 && box.height > 0 && (top === e || e.contains(top) || (top?.contains(e) ?? false)), \
          outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 }";

    /// Presses Tab until the focus leaves the page; the names of what had it.
    fn walk(browser: &Browser, serving: &RunningServer, path: &str) -> Vec<String> {
        browser.go(serving, path);
        let mut names = Vec::new();
        loop {
            browser.press(TAB);
            let focus = browser.run(FOCUS);
            if focus["body"] == true || names.len() > 200 {
                return names;
            }
            assert!(focus["seen"] == true && focus["outlined"] == true, "{path}: {focus}");
            names.push(focus["name"].as_str().unwrap().to_owned());
        }
    }

    #[test]
    fn the_keyboard_reaches_everything_and_the_focus_is_always_seen() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let serving = seeded().serve();
        let browser = Browser::open();
        // Without it, an element may still be scrolling into view.
        browser.set_preference("prefers-reduced-motion", "reduce");
        for (width, height) in SCREENS {
            browser.set_screen(width, height);
            for path in PAGES {
                let names = walk(&browser, &serving, path);
                let focusable = browser
                    .run("return [...document.querySelectorAll('a[href],button,input,select,summary,[tabindex=\"0\"]')] \
                          .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0).length");
                assert_eq!(names.first().map(String::as_str), Some("Đến nội dung chính"), "{path}");
                assert_eq!(
                    names.len() as u64,
                    focusable.as_u64().unwrap(),
                    "{path} at {width} px: {names:?}"
                );
            }
        }
        // The first link skips the menu.
        browser.go(&serving, "/xa-hoi/").press(TAB).press(ENTER);
        assert_eq!(browser.run("return document.activeElement.id"), "noi-dung");
    }
}
