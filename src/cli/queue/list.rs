//! `tamis queue list`.
//!
//! May import: `api` (wire types).

use anyhow::Result;
use clap::Args;
use console::Style;
use prost_types::FieldMask;

use super::words::{self, cause_of, label_of, order_of, span, state_of};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
        terminal::{Screen, roughly, tame},
    },
};

/// Which items are meant.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct FilterArgs {
    /// spam, low_content, off_topic or abuse.
    #[arg(long, value_parser = label_of)]
    label: Option<i32>,
    /// held, reported, sampled, appealed or campaign.
    #[arg(long, value_parser = cause_of)]
    cause: Option<i32>,
    /// The CMS's id of the article.
    #[arg(long, value_name = "ID")]
    article: Option<String>,
    /// Section of the site.
    #[arg(long)]
    section: Option<String>,
    /// Language tag, such as en.
    #[arg(long)]
    language: Option<String>,
    /// The author's id in the CMS, or name.
    #[arg(long)]
    author: Option<String>,
    /// The campaign: its name, or the last part of it.
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// Code of a rule that spoke, such as rule/no-casino.
    #[arg(long)]
    rule: Option<String>,
    /// Least probability, 0 to 1.
    #[arg(long, value_name = "P")]
    min_probability: Option<f64>,
    /// Probability below which, 0 to 1.
    #[arg(long, value_name = "P")]
    max_probability: Option<f64>,
    /// Waiting at least this long: 15m, 2h, 7d.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    min_wait: Option<prost_types::Duration>,
}

impl FilterArgs {
    pub(super) fn filter(&self, remote: &Remote) -> pb::QueueItemFilter {
        pb::QueueItemFilter {
            label: self.label.unwrap_or_default(),
            cause: self.cause.unwrap_or_default(),
            action: 0,
            article: self.article.as_ref().map(|id| remote.name("articles", id)).unwrap_or_default(),
            section: self.section.clone().unwrap_or_default(),
            language: self.language.clone().unwrap_or_default(),
            author_id: self.author.clone().unwrap_or_default(),
            rule: self.rule.clone().unwrap_or_default(),
            campaign: self.campaign.as_ref().map(|id| remote.name("campaigns", id)).unwrap_or_default(),
            min_probability: self.min_probability,
            max_probability: self.max_probability,
            min_wait: self.min_wait,
            max_wait: None,
        }
    }
}

/// Lists what waits, most worth a look first.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// A named queue.
    #[arg(long)]
    queue: Option<String>,
    /// open, claimed or decided.
    #[arg(long, value_parser = state_of, default_value = "open")]
    state: i32,
    /// newest, oldest, most_likely_wrong, harm_exposure or value_of_look.
    #[arg(long, value_parser = order_of)]
    order: Option<i32>,
    /// Most items.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Where items come from: the site or one of its queues.
pub(super) fn parent(remote: &Remote, queue: Option<&String>) -> String {
    queue.map_or_else(|| remote.site(), |queue| remote.name("queues", queue))
}

pub(super) async fn run(remote: &Remote, args: &ListArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let mut request = pb::ListQueueItemsRequest {
        parent: parent(remote, args.queue.as_ref()),
        filter: Some(args.filter.filter(remote)),
        order: args.order.unwrap_or_default(),
        state: args.state,
        read_mask: Some(FieldMask { paths: vec!["*".to_owned()] }),
        ..Default::default()
    };
    let mut items = Vec::new();
    while items.len() < args.limit {
        request.page_size = i32::try_from(args.limit - items.len()).unwrap_or(i32::MAX);
        let page = told(client.list_queue_items(request.clone()).await)?;
        items.extend(page.items);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if args.json {
        for item in &items {
            print(&format!("{}\n", json("QueueItem", item)?));
        }
        return Ok(());
    }
    let screen = Screen::stdout();
    print(&render(screen, &items));
    if !request.page_token.is_empty() {
        print("(more wait: --limit shows them)\n");
    }
    Ok(())
}

fn render(screen: Screen, items: &[pb::QueueItem]) -> String {
    if items.is_empty() {
        return "nothing here\n".to_owned();
    }
    let row = |item: &pb::QueueItem| {
        let causes: Vec<String> = item.causes.iter().map(|cause| words::cause(*cause)).collect();
        vec![
            words::last(&item.name).to_owned(),
            format!("{:.0} %", 100.0 * item.probability),
            words::label(item.label),
            roughly(words::seconds_since(item.wait_start_time.as_ref())),
            causes.join(","),
            tame(item.author.as_ref().map_or("", words::author_name)),
        ]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let table = screen.table(&["item", "p", "label", "waits", "cause", "author"], &rows);
    // Under each row the text, so that a list can be read without opening items.
    let mut lines = table.lines();
    let mut out = format!("{}\n", lines.next().unwrap_or_default());
    let dim = Style::new().dim();
    for (line, item) in lines.zip(items) {
        let text = screen.cut(&format!("    {}", tame(&item.body)));
        out.push_str(&format!("{line}\n{text}\n"));
        if let Some(position) = &item.position {
            let why = screen.cut(&format!("    {}", tame(&position.explanation)));
            out.push_str(&format!("{}\n", screen.paint(&dim, &why)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;

    #[test]
    fn lists_fit_and_are_harmless() {
        let item = |body: &str| pb::QueueItem {
            name: "sites/news/queueItems/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            probability: 0.931,
            label: pb::Label::Spam.into(),
            causes: vec![pb::QueueCause::Held.into()],
            body: body.to_owned(),
            author: Some(pb::Author { name: "\u{1b}[2Jx".to_owned(), ..Default::default() }),
            position: Some(pb::QueuePosition { explanation: "harm 0.56".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let items = [item("Buy\n\u{1b}]0;pwned\u{7}now"), item(&"long ".repeat(100))];
        for width in [60, 80, 200] {
            let shown = render(Screen { width, colours: false }, &items);
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
            assert!(shown.lines().all(|line| measure_text_width(line) <= width), "{shown}");
            assert_eq!(shown.lines().count(), 7, "{shown}");
        }
        assert!(render(Screen { width: 80, colours: false }, &items).contains("93 %"));
    }
}
