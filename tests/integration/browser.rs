//! What people see in a browser: headless Chromium, driven over WebDriver, with the real program.

use crate::support::browser::Browser;
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{SAMPLE_ARTICLE, TestSite, article, wait_until};
use serde_json::json;

fn seeded() -> TestSite {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site
}

/// `tests/run` selects the browser tests by this name.
mod in_a_browser {
    use super::*;

    #[test]
    fn the_feed_url_is_copied_with_one_click() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        let serving = test_site.serve();
        let browser = Browser::open();
        browser.go(&serving, "/xa-hoi/").click("a[href='#theo-doi']");
        browser.says("Theo dõi chuyên mục Xã hội");
        let granted =
            json!({ "cmd": "Browser.grantPermissions", "params": { "permissions": ["clipboardReadWrite"] } });
        browser.post("/goog/cdp/execute", &granted);
        browser.click(".subscribe button");
        wait_until("the word that it is copied", || browser.text().contains("Đã sao chép"));
        let read = "const done = arguments[0]; navigator.clipboard.readText().then(done)";
        let copied = browser.post("/execute/async", &json!({ "script": read, "args": [] }));
        assert_eq!(copied, "http://127.0.0.1:8080/xa-hoi/rss.xml");
        let reader = browser.run("return document.querySelector('.subscribe a.button').getAttribute('href')");
        assert_eq!(reader, "feed:http://127.0.0.1:8080/xa-hoi/rss.xml");
        assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    }

    #[test]
    fn a_feed_opened_in_a_browser_is_a_page_with_a_link_to_the_xml() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        let serving = test_site.serve();
        let browser = Browser::open();
        browser.go(&serving, "/xa-hoi/rss.xml");
        browser.says("Địa chỉ bạn vừa mở là một nguồn tin (RSS)");
        browser.says("Huyện Đăk Tô phát động phong trào thi đua năm 2023");
        assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
        browser.click(".band p a");
        assert_eq!(browser.path(), "/xa-hoi/rss.xml?xml");
        assert!(
            browser.text().contains("<pubDate>Fri, 12 May 2023 17:39:00 +0700</pubDate>"),
            "{}",
            browser.text()
        );
        // A script gets what feed readers get, even after the page was shown. (The policy of our pages forbids their
        // own scripts to fetch.)
        browser.go(&serving, "/healthz");
        let fetch = "const done = arguments[0]; fetch('/xa-hoi/rss.xml').then(a => a.text()).then(done)";
        let fetched = browser.post("/execute/async", &json!({ "script": fetch, "args": [] }));
        assert!(fetched.as_str().unwrap().starts_with("<?xml"), "{fetched}");
        // And the script's copy is not what the person gets.
        browser.go(&serving, "/xa-hoi/rss.xml").says("Địa chỉ bạn vừa mở là một nguồn tin (RSS)");
    }

    #[test]
    fn an_article_is_found_without_diacritics_and_its_words_are_marked() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        test_site.write("kinh-te/khac.txt", article("Giá cà phê đầu vụ", "13/05/2023 08:00", "Đoạn mở đầu."));
        let serving = test_site.serve();
        let browser = Browser::open();
        browser.go(&serving, "/").write("#tim-nhanh", "thi dua dak to").click(".find button");
        wait_until("the answer", || browser.path() == "/tim-kiem?q=thi+dua+dak+to");
        browser.says("Tìm thấy 1 bài.");
        let marks = browser
            .run("return [...document.querySelectorAll('.story h2 mark')].map(mark => mark.innerText)");
        assert_eq!(marks, json!(["Đăk", "Tô", "thi", "đua"]));
        browser.click(".story h2 a").says("Nhân dịp này, các tập thể, cá nhân");
    }

    #[test]
    fn a_reader_sees_a_correction_with_its_time_and_then_that_the_article_was_withdrawn() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        let serving = test_site.serve();
        let browser = Browser::open();
        let page = "/bai-viet/2023/05/12/thi-dua";
        browser.go(&serving, page).says("Đăng lúc 17:39, thứ Sáu 12/05/2023");
        assert!(!browser.text().contains("Đã sửa"));
        test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE.replace("47/53", "48/53"));
        wait_until("the correction", || browser.go(&serving, page).text().contains("48/53"));
        browser.says("Bài này đã được sửa sau khi đăng");
        let time = browser.run("return document.querySelector('.corrected time').dateTime");
        assert!(time.as_str().unwrap().ends_with("+07:00"), "{time}");
        test_site.ok(&[
            "withdraw",
            "tag:dakto.example,2023:2023-05-12/thi-dua",
            "--reason",
            "Sai <b>số liệu</b>",
        ]);
        wait_until("the withdrawal", || browser.go(&serving, page).text().contains("Bài này đã được gỡ"));
        browser.says("Lý do: Sai <b>số liệu</b>");
        assert!(!browser.text().contains("48/53"));
        wait_until("the list without it", || {
            browser.go(&serving, "/xa-hoi/").text().contains("Chưa có bài nào.")
        });
    }

    #[test]
    fn an_article_with_active_content_is_harmless() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        const HOSTILE: &str = "+++\n\
        title = \"</title></script><script>window.harm = 1</script>\"\n\
        published = \"13/05/2023 08:00\"\n\
        authors = [\"<img src=x onerror='window.harm = 2'>\"]\n\
        tags = [\"</script><script>window.harm = 3</script>\"]\n\
        +++\n\n\
        Lời dẫn </script><script>window.harm = 5</script> <img src=x onerror=\"window.harm = 6\">\n\n\
        Bấm [vào đây](javascript:window.harm=7) hay <a href=\"javascript:window.harm=8\" onclick=\"window.harm=9\">đây</a>.\n\n\
        <p style=\"position:fixed;inset:0;background:red\">che hết</p> <style>body{display:none}</style>\n\n\
        <form action=\"https://harm.example\"><input name=p></form><base href=\"https://harm.example/\">\n";
        let test_site = TestSite::new();
        test_site.write("xa-hoi/hiem.md", HOSTILE);
        let serving = test_site.serve();
        let browser = Browser::open();
        for path in [
            "/bai-viet/2023/05/13/hiem",
            "/xa-hoi/",
            "/",
            "/theo-thang/2023/05/",
            "/tim-kiem?q=script",
            "/rss.xml",
        ] {
            browser.go(&serving, path).says("</title></script><script>");
            let state = browser.run(
                "return { harm: window.harm ?? null, \
             scripts: [...document.scripts].filter(s => s.type !== 'application/ld+json').length, \
             handlers: document.querySelectorAll('[onerror],[onclick],[style],style,base').length, \
             links: document.querySelectorAll('[href^=\"javascript:\"]').length, \
             forms: [...document.forms].filter(f => !f.action.endsWith('/tim-kiem')).length, \
             hidden: getComputedStyle(document.body).display === 'none' }",
            );
            let harmless = json!({
                "harm": null, "scripts": 1, "handlers": 0, "links": 0, "forms": 0, "hidden": false
            });
            assert_eq!(state, harmless, "{path}");
            assert!(browser.complaints().is_empty(), "{path}: {:?}", browser.complaints());
        }
        // If an attack ever got past the other defences, the policy would still prevent scripts.
        browser.go(&serving, "/");
        browser.run(
        "document.body.insertAdjacentHTML('beforeend', '<p id=p style=\"position:fixed\" onclick=\"window.harm=1\">x</p>'); \
         const script = document.createElement('script'); script.textContent = 'window.harm = 2'; \
         document.body.append(script); document.getElementById('p').click()",
    );
        let state = browser
            .run("return [window.harm ?? null, getComputedStyle(document.getElementById('p')).position]");
        assert_eq!(state, json!([null, "static"]));
        assert_eq!(browser.complaints().len(), 3, "the style, the handler, the script");
    }

    #[test]
    fn an_article_is_shared_by_the_sheet_of_the_system_or_by_its_address() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        let serving = test_site.serve();
        let browser = Browser::open();
        let page = "/bai-viet/2023/05/12/thi-dua";
        // Without it, the button may still be scrolling into view.
        browser.set_preference("prefers-reduced-motion", "reduce");
        // This browser has no sheet, so the button copies the address.
        browser.go(&serving, page).says("Sao chép liên kết");
        let granted =
            json!({ "cmd": "Browser.grantPermissions", "params": { "permissions": ["clipboardReadWrite"] } });
        browser.post("/goog/cdp/execute", &granted);
        browser.click(".share button");
        browser.says("Đã sao chép liên kết.");
        let copied = browser.run_async("navigator.clipboard.readText().then(arguments[0])");
        assert_eq!(copied, format!("http://127.0.0.1:8080{page}"));
        assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
        // With a sheet, it opens that.
        let sheet = "Object.defineProperty(Navigator.prototype, 'share', { configurable: true, value: async what => { \
             window.shared = what; if (window.closes) throw new DOMException('', 'AbortError') } })";
        let before_load =
            json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": { "source": sheet } });
        browser.post("/goog/cdp/execute", &before_load);
        browser.go(&serving, page).says("Chia sẻ bài này").click(".share button");
        let shared = browser.run("return window.shared");
        assert_eq!(shared["url"], format!("http://127.0.0.1:8080{page}"));
        assert_eq!(shared["title"], "Huyện Đăk Tô phát động phong trào thi đua năm 2023");
        browser.run("window.closes = true; return null");
        browser.click(".share button");
        assert!(!browser.text().contains("không cho chia sẻ"), "closing the sheet is no failure");
    }

    #[test]
    fn an_image_is_fetched_in_the_width_that_the_screen_needs() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = seeded();
        image::RgbImage::from_fn(2400, 1600, |x, y| image::Rgb([(x % 251) as u8, (y % 241) as u8, 90]))
            .save(test_site.path("feeds/xa-hoi/thi-dua.jpg"))
            .unwrap();
        let serving = test_site.serve();
        let page = "/bai-viet/2023/05/12/thi-dua";
        wait_until("the copies", || serving.get(page).text().contains("1600w"));
        let browser = Browser::open();
        let shown = "const image = document.querySelector(arguments0); \
             return { width: image.naturalWidth, loaded: image.complete && image.currentSrc !== '', \
               box: image.getBoundingClientRect().width }";
        for (path, selector, width, height, most) in [
            // In this order, because a browser shows a larger copy that it has.
            ("/", ".lead-story img", 390, 844, 400),
            ("/xa-hoi/", ".story img", 390, 844, 400),
            (page, "figure img", 390, 844, 400),
            ("/xa-hoi/", ".story img", 1280, 900, 400),
            ("/", ".lead-story img", 1280, 900, 800),
            (page, "figure img", 1280, 900, 800),
        ] {
            // On the page of an image, the larger screen would fetch the larger copy.
            browser.go(&serving, "/healthz").set_screen(width, height).go(&serving, path);
            let script = shown.replace("arguments0", &format!("'{selector}'"));
            wait_until("the image", || browser.run(&script)["loaded"] == true);
            let source = browser.run(&format!("return document.querySelector('{selector}').currentSrc"));
            let file = source.as_str().unwrap().split("8080").last().unwrap().to_owned();
            let file = file.split_once("/media/").map(|(_, name)| format!("/media/{name}")).unwrap();
            let fetched = image::load_from_memory(&serving.get(&file).body).unwrap().width();
            assert!(fetched <= most, "{path} at {width} px: {fetched} px are fetched, {most} are enough");
            let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth");
            assert!(overflow.as_i64().unwrap() <= 0, "{path} at {width} px");
        }
    }

    #[test]
    fn the_home_page_has_no_empty_column_and_the_navigation_no_orphan_and_shows_that_there_is_more() {
        if is_missing(Requirement::Program("chromedriver")) {
            return;
        }
        let test_site = TestSite::new();
        for number in 0..13 {
            let folder = format!("Chuyên mục số {number}");
            let stamp = format!("{:02}/05/2023 08:00", number + 1);
            test_site
                .write(&format!("{folder}/bai.txt"), article(&format!("Bài {number}"), &stamp, "Lời dẫn."));
        }
        let long = "Ủy ban nhân dân huyện tổ chức hội nghị tổng kết phong trào thi đua yêu nước gắn với xây dựng nông thôn \
                    mới, đô thị văn minh giai đoạn 2021-2025 trên địa bàn các xã và thị trấn của huyện";
        test_site.write("xa-hoi/dai.txt", article(long, "20/05/2023 08:00", "Lời dẫn."));
        let serving = test_site.serve();
        let browser = Browser::open();
        let rows = "const rows = {}; for (const item of document.querySelectorAll('.sections li')) \
            rows[item.offsetTop] = (rows[item.offsetTop] ?? 0) + 1; return Object.values(rows)";
        for width in [800, 900, 1000, 1100, 1280, 1600] {
            browser.set_screen(width, 900).go(&serving, "/");
            let found = browser.run(rows);
            let last = found.as_array().unwrap().last().unwrap().as_u64().unwrap();
            assert!(last > 1, "{width} px: {found} channels in the lines of the navigation");
            let empty = browser.run(
                "const width = element => document.querySelector(element).getBoundingClientRect().width; \
                 return width('.front') - width('.lead-story')",
            );
            assert!(empty.as_f64().unwrap() < 1.0, "{width} px: {empty} px stay empty");
        }
        browser.set_screen(390, 844).go(&serving, "/");
        let phone = browser.run(
            "const list = document.querySelector('.sections ul'); return { \
               more: list.scrollWidth - list.clientWidth, shade: getComputedStyle(list).backgroundImage, \
               page: document.documentElement.scrollWidth }",
        );
        assert!(phone["more"].as_u64().unwrap() > 100 && phone["page"].as_u64().unwrap() <= 390, "{phone}");
        assert!(phone["shade"].as_str().unwrap().contains("gradient"), "{phone}");
        for (path, title) in [("/", ".lead-story h2"), ("/bai-viet/2023/05/20/dai", "h1")] {
            browser.go(&serving, path);
            let height = browser
                .run(&format!("return document.querySelector('{title}').getBoundingClientRect().height"));
            assert!(height.as_f64().unwrap() < 844.0 / 2.0, "{path}: the title takes {height} px");
        }
    }

    #[test]
    fn no_page_is_wider_than_the_smallest_phone() {
        let test_site = seeded();
        for (number, title) in
            ["Đất & Người", "Văn hóa - Thể thao - Du lịch", "Quốc phòng - An ninh"].into_iter().enumerate()
        {
            let name = format!("{title}/bai-{number}.txt");
            test_site.write(
                &name,
                article(&format!("{title}: {}", "rấtdài".repeat(20)), "13/05/2023 08:00", "Lời dẫn."),
            );
        }
        let wide = image::RgbImage::from_pixel(3000, 40, image::Rgb([90, 30, 10]));
        wide.save(test_site.path("feeds/xa-hoi/thi-dua.png")).unwrap();
        let serving = test_site.serve();
        let browser = Browser::open();
        browser.set_screen(320, 568);
        for path in [
            "/",
            "/xa-hoi/",
            "/bai-viet/2023/05/12/thi-dua",
            "/tim-kiem?q=dai",
            "/xa-hoi/atom.xml",
            "/theo-thang/",
            "/theo-thang/2023/05/",
            "/tro-giup-tiep-can",
            "/khong/co",
        ] {
            let width = browser.go(&serving, path).run("return document.documentElement.scrollWidth");
            assert_eq!(width, 320, "{path}");
        }
    }
}
