//! Articles that are slow to parse, ordinary and hostile ones. The bench measures them, and a test checks that the time
//! grows linearly.

use std::hint::black_box;
use std::io::{Cursor, Write};

use bantin::parse::{Encoding, ParseOptions, ParseResult, parse};
use bantin::time::DEFAULT_TIME_ZONE;
use unicode_normalization::UnicodeNormalization;

/// A file in which a part is repeated until it is long.
pub struct Worst {
    /// Why it is slow.
    pub what: &'static str,
    /// The file name, for its extension.
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// The number of bytes that the time refers to. NOTE: for a Word document, those of its XML.
    pub length: usize,
    /// The encoding set for its folder.
    pub encoding: Option<Encoding>,
}

impl Worst {
    /// Parses it once.
    pub fn read(&self) -> ParseResult {
        let options =
            ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: self.encoding };
        parse(self.name, black_box(&self.bytes), &options)
    }

    fn text(name: &'static str, what: &'static str, text: String) -> Self {
        Self { what, name, length: text.len(), bytes: text.into_bytes(), encoding: None }
    }
}

/// The sample article.
const SAMPLE: &str =
    include_str!("../../feeds/xa-hoi/huyen-dak-to-phat-dong-phong-trao-thi-dua-nam-2023.txt");

const HEAD: &str = "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\n";

/// All of them, each with about `length` bytes.
pub fn worst(length: usize) -> Vec<Worst> {
    let mut all = Vec::new();
    all.extend(texts(length).into_iter().map(|(what, text)| Worst::text("a.txt", what, text)));
    all.extend(markdown(length).into_iter().map(|(what, text)| Worst::text("a.md", what, text)));
    all.extend(pages(length).into_iter().map(|(what, text)| Worst::text("a.html", what, text)));
    all.extend(old_encodings(length));
    all.extend(documents(length));
    all
}

fn texts(length: usize) -> Vec<(&'static str, String)> {
    let paragraphs = format!("{}\n\n", paragraphs());
    let long = |part: &str| format!("{HEAD}{}\n", filled(part, length));
    vec![
        ("the sample, again and again", long(SAMPLE)),
        ("paragraphs", long(&paragraphs)),
        ("paragraphs in decomposed letters", long(&paragraphs.nfd().collect::<String>())),
        ("one line", long("hội nghị ")),
        ("nothing but line ends", long("\n")),
        ("lines of one letter", long("a\n")),
        ("lines of one letter beyond ASCII", long("ệ\n")),
        ("lines of one capital", long("A\n")),
        ("lines of one digit", long("1\n")),
        ("lines of one sign", long("-\n")),
        ("lines of one letter apart", long("a\n\n")),
        ("lines of two words", long("Đăk Tô\n")),
        ("lines of four letters", long("a a a a\n")),
        ("dates, line by line", long("1/1/2023\n")),
        ("dates with a time and a label", long("Ngày đăng: 12/05/2023 17:39\n")),
        ("dates that are refused", long("31/02/2023\n")),
        ("dates without a year", long("1/1 1:1\n")),
        ("lines that are nearly dates", long("1 1 1 1 Thứ\n")),
        ("lines of four digits", long("1 1 1 1\n")),
        ("lines of times", long("1:1 1:1\n")),
        ("relative dates", long("5 phút trước\n")),
        ("nearly relative dates", long("nay\n")),
        ("dates in one line", long("1/1/")),
        ("captions", long("Quang cảnh. Ảnh: TL\n")),
        ("short captions", long("Ảnh\n")),
        ("lines full of the word for a picture", long(&format!("{}\n", "ảnh: Ảnh: ".repeat(30)))),
        ("bylines", long("Tấn Lộc - Mai Anh\n")),
        ("labelled bylines", long("Bài, ảnh: Đức Hùng\n")),
        ("short labels", long("a:\n")),
        ("headings of other news", long("Tin liên quan\n")),
        (
            "headings of other news with prose between",
            long(&format!("Tin liên quan\n{}.\n", "Sáng nay ".repeat(16))),
        ),
        ("keywords", long("Tags: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\n")),
        ("keywords, one by one", long("Tag:a\n")),
        ("lists", long("- a\n- b\n")),
        ("numbered lines", long("1. a\n")),
        ("tables by tabs", long("a\tb\n")),
        ("tables by bars", long("|a|b|\n")),
        ("nothing but tabs", long("a\t")),
        ("lines wrapped at a width", long("Chiều nay UBND huyện Đăk Tô tổ chức Hội nghị phát\n")),
        ("marks upon marks", long("a\u{323}\u{302}\u{301}\u{327}\u{31b}")),
        ("marks without a letter", long("\u{301}\u{323}")),
        ("decomposed words", long("Đa\u{306}\u{301}k To\u{302}, hu\u{31b}o\u{31b}\u{301}ng ")),
        ("decomposed letters, line by line", long("a\u{301}\n")),
        ("the wrong Đ", long("Ð\n")),
        ("invisible letters", long("\u{200b}\u{ad}\u{feff}")),
        ("forbidden letters, line by line", long("\u{1}\u{2}\n")),
        ("front matter of thousands of keys", {
            let keys: String = (0..length / 12).map(|number| format!("k{number:06} = 1\n")).collect();
            format!("+++\n{keys}+++\n{HEAD}Chữ.\n")
        }),
        ("front matter of thousands of tags", {
            format!("+++\ntags = [{}]\n+++\n{HEAD}Chữ.\n", filled("\"a\", ", length))
        }),
        ("front matter of dotted keys", format!("+++\n{}= 1\n+++\n{HEAD}Chữ.\n", filled("a.", length))),
        ("front matter of brackets", format!("+++\ntags = {}\n+++\n{HEAD}Chữ.\n", filled("[", length))),
        ("front matter of empty lines", format!("+++\n{}\n+++\n{HEAD}Chữ.\n", filled("\n", length))),
    ]
}

fn markdown(length: usize) -> Vec<(&'static str, String)> {
    let paragraphs = format!("{}\n\n", paragraphs());
    let long = |part: &str| format!("{HEAD}{}\n", filled(part, length));
    vec![
        ("paragraphs", long(&paragraphs)),
        ("links and bold in one paragraph", long("[a](http://b) **c** ")),
        ("links, paragraph by paragraph", long("[a](http://b) c\n\n")),
        ("links of one letter, paragraph by paragraph", long("<a:b>\n\n")),
        ("bold letters in one paragraph", long("**a** b ")),
        ("bold letters, line by line", long("**a** b\n")),
        ("bold letters, paragraph by paragraph", long("**a** b\n\n")),
        ("links that lead nowhere", long("[a](b) ")),
        ("links without an address", long("[a]()")),
        ("links in angle brackets", long("<http://b> ")),
        ("addresses of mail", long("<a@b> ")),
        ("links by reference", format!("[r]: http://b\n\n{}", long("[r] "))),
        ("long addresses", long("[a](https://bücher.example/đường/vào/làng?x=ệ&y=<>#ơ) ")),
        ("many definitions", (0..length / 16).map(|n| format!("[r{n}]: http://b\n")).collect()),
        ("emphasis that never ends", long("*a_ **b__ ")),
        ("emphasis in emphasis", long("***a** b* ")),
        ("letters in emphasis", long("*a*b")),
        ("brackets that never close", long("[a](")),
        ("brackets in brackets", long("[")),
        ("pictures", long("![a](b) ")),
        ("pictures without a text", long("![]()")),
        ("quotations in quotations", long("> ")),
        ("quotations", long(">\n\n")),
        ("lists in lists", {
            let once: String = (0..440).map(|depth| format!("{}- a\n", " ".repeat(depth))).collect();
            filled(&once, length)
        }),
        ("list entries", long("- a\n")),
        ("list entries with links", long("- [a](http://b)\n")),
        ("headings", long("# a\n")),
        ("tables", long("|a|\n|-|\n")),
        ("a table of many rows", long(&format!("|a|b|\n|-|-|\n{}", filled("|a|b|\n", length)))),
        ("a table of one wide row", {
            let columns = length / 4;
            format!("{HEAD}|{}\n|{}\n", "a|".repeat(columns), "-|".repeat(columns))
        }),
        ("backticks", long("`a``b")),
        ("tags", long("<b>a</b> ")),
        ("tags of one letter", long("<b>")),
        ("breaks", long("a<br>")),
        ("tags that never end", long("<a ")),
        ("comments that never end", long("<!--")),
        ("scripts", long("<script>")),
        ("blocks of HTML", long("<div>\n\n")),
        ("dates and captions, line by line", long("12/05/2023\nẢnh: TL\n")),
        ("lines in one paragraph", long("a\n")),
        ("lines of digits in one paragraph", long("1 1 1 1\n")),
        ("lines of some length in one paragraph", long("Ngày 12/05/2023 họp tại xã Đăk Tô\n")),
        ("character references", long("&amp;&#7871;&")),
        ("hard breaks", long("a\\\n")),
        ("backslashes", long("\\*")),
        ("words apart", long("a\n\n")),
        ("struck letters", long("~a~ ")),
        ("rules", long("---\n\n")),
    ]
}

fn pages(length: usize) -> Vec<(&'static str, String)> {
    let paragraphs: String = paragraphs().split("\n\n").map(|text| format!("<p>{text}</p>\n")).collect();
    let page = |body: &str| format!("<h1>Huyện Đăk Tô phát động thi đua</h1><p>12/05/2023 17:39</p>{body}");
    let much = |part: &str| filled(part, length);
    let repeated = |part: &str| page(&much(part));
    let nested = |open: &str, inside: &str, close: &str| {
        page(&format!("{}{inside}{}", open.repeat(200), close.repeat(200)))
    };
    let (breaks, words) = (much("<br>"), much("chữ <br>"));
    vec![
        ("paragraphs", repeated(&paragraphs)),
        ("short paragraphs", repeated("<p>a</p>")),
        ("paragraphs that never close", repeated("<p>a")),
        ("empty paragraphs", repeated("<p>")),
        ("ends of paragraphs", repeated("</p>")),
        ("breaks", repeated("a<br>")),
        ("breaks alone", repeated("<br>")),
        ("marks", repeated("<b>a</b> ")),
        ("marks, paragraph by paragraph", repeated("<p><b>a</b> b</p>")),
        ("marks in marks", repeated("<b><i>a</i></b> b ")),
        ("raised letters", repeated("m<sup>2</sup> ")),
        ("spans", repeated("<u>a</u>")),
        ("links in one paragraph", repeated("chữ <a href=\"http://b\">a</a> ")),
        ("links, paragraph by paragraph", repeated("<p>chữ và chữ <a href=\"http://b\">a</a></p>")),
        ("short links", repeated("<p>chữ và chữ<a href=//b>a</a>")),
        ("links that lead nowhere", repeated("<p>chữ <a href=x>a</a>")),
        ("links that never close", repeated("<a href=//b>a")),
        ("links to mail", repeated("chữ chữ <a href=mailto:a>a</a>")),
        (
            "long addresses",
            repeated("<p>chữ <a href='https://bücher.example/đường/vào/làng?x=ệ&y=<>#ơ'>a</a> chữ</p>"),
        ),
        ("marks that never close", repeated("<b><i><p>a")),
        ("marks closed in the wrong order", repeated("<b><i>a</b>b</i> ")),
        ("marks across paragraphs", repeated("<b><p>a</b>b</p>")),
        ("table cells", page(&format!("<table>{}</table>", much("<tr><td>a<td>b")))),
        ("empty table cells", page(&format!("<table>{}</table>", much("<td>")))),
        ("table cells by themselves", repeated("<table><tr><td>a</table>")),
        ("tables in tables", nested("<table><tr><td>a", "a", "</table>")),
        ("tables in tables around text", format!("{}{words}", "<table><td>a".repeat(60))),
        ("text strayed from a table", page(&format!("<table>{}", much("<tr>a")))),
        ("marks strayed from a table", page(&format!("<table>{}", much("<b>a</b>")))),
        ("lists of links", repeated("<ul><li><a href=//b>a</a></ul>")),
        ("list entries", repeated("<li>a")),
        ("headings", repeated("<h2>a</h2>")),
        ("headings that never close", repeated("<h2>a")),
        ("elements in elements", nested("<div>", "a", "</div>")),
        (
            "elements in elements around breaks",
            nested("<div>", &format!("a<a href=//b>b b b b</a>{breaks}"), "</div>"),
        ),
        ("elements in elements around text", nested("<div>", &words, "</div>")),
        (
            "elements in elements again and again",
            repeated(&format!("{}a{}", "<div>".repeat(200), "</div>".repeat(200))),
        ),
        ("times around text", nested("<time>", &words, "</time>")),
        ("times around breaks", nested("<time>", &format!("a{breaks}"), "</time>")),
        ("headings around breaks", format!("<title>a</title>{}{breaks}", "<div><h2>a".repeat(100))),
        ("pictures with titles in titles", format!("{}{breaks}", "<svg><title>".repeat(100))),
        ("attributes", repeated("<p a=1 b=2 c=3 d=4>a")),
        ("too many attributes", format!("<p {}>a</p>", much("a=1 "))),
        ("as many attributes as may be", {
            let attributes: String = (0..390).map(|number| format!("a{number}=b ")).collect();
            repeated(&format!("<p {attributes}>a</p>"))
        }),
        ("classes", page(&format!("<p class=\"{}\">a</p>", much("a ")))),
        ("names of classes in parts", page(&format!("<p class=\"{}\">a</p>", much("a-")))),
        ("classes of many elements", repeated("<p class=a-b>a")),
        ("classes of captions", repeated("<p class=caption>a")),
        ("styles", repeated("<p style=a:b>a")),
        ("comments", repeated("<!---->")),
        ("character references", repeated("&amp;&#7871;&")),
        ("no-break spaces", repeated("&nbsp;")),
        ("preformatted lines", page(&format!("<pre>{}", much("a\n")))),
        ("scripts", repeated("<script>a</script>")),
        ("JSON-LD", repeated("<script type=application/ld+json>{}</script>")),
        ("titles", repeated("<title></title>")),
        ("quotations", repeated("<blockquote>a</blockquote>")),
        ("unknown elements", repeated("<x>a</x>")),
        ("elements with names of their own", {
            page(&(0..length / 7).map(|number| format!("<x{number:x}>")).take(200).collect::<String>())
                + &(0..length / 16).map(|number| format!("<y{number:x}>a</y{number:x}>")).collect::<String>()
        }),
        ("selections", page(&format!("<select>{}", much("<option>a")))),
        ("a picture with its caption", repeated("<figure><img src=a><figcaption>a</figcaption></figure>")),
        ("pictures", repeated("<img>")),
        ("times", repeated("<p><time datetime=2023>a</time>")),
        ("menus", repeated("<div><a>a</a><a>b</a></div>")),
        ("frames within", repeated("<iframe>a</iframe>")),
        ("bodies", repeated("<body a=b>")),
        ("templates", repeated("<template>a</template>")),
        ("formulas", repeated("<math><mi>a</mi></math>")),
    ]
}

/// Texts in legacy encodings, with the encoding set or detected.
fn old_encodings(length: usize) -> Vec<Worst> {
    let tcvn3 = "HuyÖn §¨k T« ph¸t ®éng phong trµo thi ®ua\n\n12/05/2023 17:39\n\n";
    let vni = "Huyeän Ñaêk Toâ phaùt ñoäng phong traøo thi ñua\n\n12/05/2023 17:39\n\n";
    let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(&filled(text, length)).0.into_owned();
    let utf16: Vec<u8> = filled(SAMPLE, length / 2).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases = [
        ("TCVN3 as bytes", latin(tcvn3), Some(Encoding::Tcvn3)),
        ("TCVN3 as letters", filled(tcvn3, length).into_bytes(), Some(Encoding::Tcvn3)),
        ("one letter of TCVN3", filled("þ", length).into_bytes(), Some(Encoding::Tcvn3)),
        ("TCVN3 that nobody named", latin(tcvn3), None),
        ("VNI as bytes", latin(vni), Some(Encoding::Vni)),
        ("VNI as letters", filled(vni, length).into_bytes(), Some(Encoding::Vni)),
        ("one letter of VNI", latin("aÿ"), Some(Encoding::Vni)),
        ("windows-1258", latin("Hu\u{ec}\n"), None),
        ("Unicode where VNI was set", filled(SAMPLE, length).into_bytes(), Some(Encoding::Vni)),
        ("UTF-16", utf16, None),
        ("bytes that are nothing", vec![0xFF; length], None),
        (
            "broken letters",
            filled("ệ\n", length).replace("ệ\nệ\nệ\nệ\n", "ệ\nệ\nệ\n\u{fffd}\n").into_bytes(),
            None,
        ),
    ];
    cases
        .into_iter()
        .map(|(what, bytes, encoding)| Worst { what, name: "a.txt", length: bytes.len(), bytes, encoding })
        .collect()
}

/// Word documents.
fn documents(length: usize) -> Vec<Worst> {
    let paragraph = |inside: &str| format!("<w:p>{inside}</w:p>");
    let run = |text: &str| format!("<w:r><w:rPr><w:b/><w:sz w:val=\"28\"/></w:rPr><w:t>{text}</w:t></w:r>");
    let plain = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let sample: String = SAMPLE.lines().map(|line| paragraph(&run(line))).collect();
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph(&plain(text)));
    let nested = format!("{}{}", "<w:tbl><w:tr><w:tc>".repeat(20), "</w:tc></w:tr></w:tbl>".repeat(20));
    let boxed = |inside: &str| {
        format!("<w:p><w:r><w:pict><w:txbxContent>{inside}</w:txbxContent></w:pict></w:r></w:p>")
    };
    let cases = [
        ("the sample, again and again", filled(&sample, length)),
        ("short paragraphs", filled(&paragraph(&plain("a")), length)),
        ("empty paragraphs", filled("<w:p/>", length)),
        ("bold letters", filled(&paragraph(&format!("{}{}", run("a"), plain("b"))), length)),
        ("letters in one paragraph", paragraph(&filled("<w:r><w:t>a</w:t></w:r>", length))),
        ("texts in one run", paragraph(&format!("<w:r>{}</w:r>", filled("<w:t>a</w:t>", length)))),
        ("breaks", paragraph(&format!("<w:r>{}</w:r>", filled("<w:t>a</w:t><w:br/>", length)))),
        ("tabs", paragraph(&format!("<w:r>{}</w:r>", filled("<w:tab/>", length)))),
        (
            "properties",
            filled("<w:p><w:pPr><w:jc/><w:rPr><w:b/></w:rPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p>", length),
        ),
        ("dates", filled(&paragraph(&plain("12/05/2023 17:39")), length)),
        (
            "rows",
            format!("<w:tbl>{}</w:tbl>", filled(&format!("<w:tr>{}{}</w:tr>", cell("a"), cell("b")), length)),
        ),
        ("tables", filled(&format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cell("a")), length)),
        ("tables in tables", filled(&nested, length)),
        ("text boxes", filled(&boxed(&paragraph(&plain("a"))), length)),
        ("text boxes in text boxes", {
            (0..12).fold(filled(&paragraph(&plain("a")), length), |inside, _| boxed(&inside))
        }),
        ("unknown elements", filled("<w:x/>", length)),
        ("attributes", filled("<w:p a=\"1\" b=\"2\" c=\"3\" d=\"4\"/>", length)),
        ("one long attribute", format!("<w:p a=\"{}\"/>", filled("a", length))),
        ("character references", paragraph(&plain(&filled("&#7871;&amp;", length)))),
        (
            "links",
            filled("<w:p><w:hyperlink r:id=\"r1\"><w:r><w:t>a</w:t></w:r></w:hyperlink></w:p>", length),
        ),
        ("many attributes", {
            let attributes: String = (0..length / 10).map(|number| format!("a{number:05}=\"\" ")).collect();
            format!("<w:p {attributes}/>")
        }),
        ("namespaces", {
            let spaces: String = (0..length / 16).map(|number| format!("xmlns:a{number:05}=\"\" ")).collect();
            format!("<w:p {spaces}/>")
        }),
    ];
    cases.into_iter().map(|(what, body)| document(what, &body)).collect()
}

fn document(what: &'static str, body: &str) -> Worst {
    let head: String = ["Huyện Đăk Tô phát động thi đua", "12/05/2023 17:39"]
        .map(|line| format!("<w:p><w:r><w:t>{line}</w:t></w:r></w:p>"))
        .concat();
    let xml = format!("<w:document xmlns:w=\"w\" xmlns:r=\"r\"><w:body>{head}{body}</w:body></w:document>");
    let links = "<Relationships><Relationship Id=\"r1\" Target=\"https://dakto.vn/a\"/></Relationships>";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let packed =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, part) in [("word/document.xml", xml.as_str()), ("word/_rels/document.xml.rels", links)] {
        archive.start_file(name, packed).unwrap();
        archive.write_all(part.as_bytes()).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    Worst { what, name: "a.docx", length: xml.len().max(bytes.len()), bytes, encoding: None }
}

fn paragraphs() -> &'static str {
    SAMPLE.split_once("\n\n").map_or(SAMPLE, |(_, rest)| rest)
}

/// The part repeated up to the length.
fn filled(part: &str, length: usize) -> String {
    part.repeat((length / part.len()).max(1))
}
