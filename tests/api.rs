//! The gRPC door over a real port with a real client: what each kind of caller
//! and each kind of bad input gets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails fails its test")]

use std::{sync::Arc, time::Duration};

use tamis::api::{Drained, Options, limits, pb, router};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt as _;

use pb::{
    article_service_client::ArticleServiceClient, feedback_service_client::FeedbackServiceClient,
    scoring_service_client::ScoringServiceClient, site_service_client::SiteServiceClient,
    stream_score_comments_response::Result as Answer,
};

#[path = "api/replay.rs"]
mod replay;
#[path = "api/rules.rs"]
mod rules;
#[path = "api/support.rs"]
mod support;
use support::{ADMIN, CMS_OF_NEWS, OPS};

/// A running server with the sites `news` and `blog`.
struct House {
    channel: Channel,
    keys: Arc<tamis::moderation::Keys>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
    address: std::net::SocketAddr,
}

impl House {
    async fn open(options: Options) -> Self {
        let services = support::services().await;
        let keys = Arc::clone(&services.keys);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = router(services, options).await.unwrap();
        server.health().set(true).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = async move { server.serve(listener, async { drop(stopped.await) }).await.unwrap() };
        #[expect(clippy::disallowed_methods, reason = "joined by every test that stops the server")]
        let served = tokio::spawn(serving);
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        let house = Self { channel, keys, stop: Some(stop), served, address };
        for site_id in ["news", "blog"] {
            let site_id = site_id.to_owned();
            let request = pb::CreateSiteRequest { site_id, site: None };
            house.sites().create_site(by(ADMIN, request)).await.unwrap();
        }
        house
    }

    fn scoring(&self) -> ScoringServiceClient<Channel> {
        ScoringServiceClient::new(self.channel.clone())
    }
    fn articles(&self) -> ArticleServiceClient<Channel> {
        ArticleServiceClient::new(self.channel.clone())
    }
    fn feedback(&self) -> FeedbackServiceClient<Channel> {
        FeedbackServiceClient::new(self.channel.clone())
    }
    fn sites(&self) -> SiteServiceClient<Channel> {
        SiteServiceClient::new(self.channel.clone())
    }

    async fn score(&self, key: &str, request: pb::ScoreCommentRequest) -> Result<pb::Verdict, Status> {
        let answer = self.scoring().score_comment(by(key, request)).await?;
        Ok(answer.into_inner().verdict.unwrap())
    }
}

fn by<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if !key.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    request
}

fn comment(body: &str) -> pb::Comment {
    pb::Comment { body: body.to_owned(), ..Default::default() }
}

fn on(site: &str, comment: pb::Comment) -> pb::ScoreCommentRequest {
    let parent = format!("sites/{site}");
    pb::ScoreCommentRequest { parent, comment: Some(comment), request_id: String::new() }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, want: &str) -> Status {
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, want), "{}", status.message());
    status
}

#[tokio::test]
async fn a_comment_goes_all_the_way() {
    let house = House::open(Options::default()).await;
    let put = pb::PutArticleRequest {
        name: "sites/news/articles/42".to_owned(),
        content: Some(pb::ArticleContent { title: "Summit".to_owned(), ..Default::default() }),
    };
    house.articles().put_article(by(CMS_OF_NEWS, put)).await.unwrap();
    let article = pb::comment::ArticleSource::Article("sites/news/articles/42".to_owned());
    let sent = pb::Comment {
        comment_id: "c-1".to_owned(),
        article_source: Some(article),
        ..comment("A thoughtful paragraph on trade")
    };
    let verdict = house.score(CMS_OF_NEWS, on("news", sent)).await.unwrap();
    assert_eq!(verdict.labels.len(), 4);

    let get = pb::GetVerdictRequest { name: verdict.name.clone(), view: 0 };
    let read = house.scoring().get_verdict(by(ADMIN, get)).await.unwrap().into_inner().verdict.unwrap();
    assert_eq!(read.comment.unwrap().body, "A thoughtful paragraph on trade");
    assert_eq!(read.key_id, verdict.key_id);

    let list = pb::ListVerdictsRequest { parent: "sites/news".to_owned(), ..Default::default() };
    let listed = house.scoring().list_verdicts(by(CMS_OF_NEWS, list)).await.unwrap().into_inner();
    assert_eq!(listed.verdicts.len(), 1);
    assert_eq!(listed.verdicts[0].comment.as_ref().unwrap().body, "", "a list shows no bodies");
    assert_eq!(listed.next_page_token, "");

    let report = pb::ReportFeedbackRequest {
        parent: "sites/news".to_owned(),
        subject: Some(pb::report_feedback_request::Subject::CommentId("c-1".to_owned())),
        ruling: pb::Ruling::Reject.into(),
        labels: vec![pb::Label::LowContent.into()],
        source: pb::FeedbackSource::Moderator.into(),
        ..Default::default()
    };
    let feedback = house.feedback().report_feedback(by(CMS_OF_NEWS, report)).await.unwrap().into_inner();
    assert_eq!(feedback.feedback.unwrap().verdict, verdict.name);
}

#[tokio::test]
async fn strangers_and_wrong_roles_stay_outside() {
    let house = House::open(Options::default()).await;
    let fine = || on("news", comment("Well said"));
    refused(house.score("", fine()).await, Code::Unauthenticated, "KEY_INVALID");
    refused(house.score("wrong", fine()).await, Code::Unauthenticated, "KEY_INVALID");
    refused(house.score(OPS, fine()).await, Code::PermissionDenied, "KEY_MAY_NOT");
    let create = || pb::CreateSiteRequest { site_id: "third".to_owned(), site: None };
    let created = house.sites().create_site(by(CMS_OF_NEWS, create())).await;
    refused(created, Code::PermissionDenied, "KEY_MAY_NOT");
}

#[tokio::test]
async fn another_tenants_site_looks_like_none() {
    let house = House::open(Options::default()).await;
    let mut told = Vec::new();
    for site in ["blog", "none"] {
        let status = house.score(CMS_OF_NEWS, on(site, comment("Well said"))).await;
        let status = refused(status, Code::NotFound, "SITE_NOT_FOUND");
        let get = pb::GetSiteRequest { name: format!("sites/{site}") };
        let got = house.sites().get_site(by(CMS_OF_NEWS, get)).await;
        let got = refused(got, Code::NotFound, "SITE_NOT_FOUND");
        let mask = |text: &str| text.replace(site, "SITE");
        told.push((mask(status.message()), mask(got.message())));
    }
    assert_eq!(told[0], told[1], "an existing site must not answer differently");
    let listed = house.sites().list_sites(by(CMS_OF_NEWS, pb::ListSitesRequest::default())).await.unwrap();
    let names: Vec<_> = listed.into_inner().sites.into_iter().map(|site| site.name).collect();
    assert_eq!(names, ["sites/news"]);
}

#[tokio::test]
async fn bad_input_is_told_apart() {
    let house = House::open(Options::default()).await;
    let score = |comment| house.score(ADMIN, on("news", comment));
    let status = refused(score(comment("")).await, Code::InvalidArgument, "FIELDS_INVALID");
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "comment.body");
    let status = score(comment(&"x".repeat(65_537))).await;
    refused(status, Code::InvalidArgument, "FIELDS_INVALID");
    let status =
        refused(score(comment(&"x".repeat(1 << 20))).await, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
    assert!(status.message().contains("524288"), "{}", status.message());
    let unknown = pb::comment::ArticleSource::Article("sites/news/articles/none".to_owned());
    let status = score(pb::Comment { article_source: Some(unknown), ..comment("Well said") }).await;
    let status = refused(status, Code::NotFound, "ARTICLE_NOT_FOUND");
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, "articles/none");
    let status = house.score(ADMIN, on("none", comment("Well said"))).await;
    refused(status, Code::NotFound, "SITE_NOT_FOUND");
}

#[tokio::test]
async fn a_request_id_answers_its_own_request_only() {
    let house = House::open(Options::default()).await;
    let request_id = "7b0c4f9e-3a63-4d2b-9a55-0d6d2a6f1c11".to_owned();
    let request =
        |body| pb::ScoreCommentRequest { request_id: request_id.clone(), ..on("news", comment(body)) };
    let first = house.score(ADMIN, request("hello")).await.unwrap();
    let again = house.score(ADMIN, request("hello")).await.unwrap();
    assert_eq!(first, again);
    let status = house.score(ADMIN, request("other")).await;
    refused(status, Code::InvalidArgument, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_batch_answers_item_by_item() {
    let house = House::open(Options::default()).await;
    let item = |body: &str| pb::BatchScoreCommentsItem { comment: Some(comment(body)), ..Default::default() };
    let batch =
        |parent: &str, items| by(ADMIN, pb::BatchScoreCommentsRequest { parent: parent.to_owned(), items });
    let sent = batch("sites/news", vec![item("one"), item(""), item("three")]);
    let results = house.scoring().batch_score_comments(sent).await.unwrap().into_inner().results;
    let kinds: Vec<_> = results
        .iter()
        .map(|r| matches!(r.result, Some(pb::batch_score_comments_result::Result::Verdict(_))))
        .collect();
    assert_eq!(kinds, [true, false, true]);
    let Some(pb::batch_score_comments_result::Result::Error(error)) = &results[1].result else { panic!() };
    assert_eq!((error.code, error.reason.as_str()), (3, "FIELDS_INVALID"));
    assert_eq!(error.violations[0].field, "comment.body");
    let unknown = house.scoring().batch_score_comments(batch("sites/none", vec![item("one")])).await;
    refused(unknown, Code::NotFound, "SITE_NOT_FOUND");
    let empty = house.scoring().batch_score_comments(batch("sites/news", vec![])).await;
    refused(empty, Code::InvalidArgument, "FIELDS_INVALID");
}

fn streamed(at: usize, site: &str, body: &str) -> pb::StreamScoreCommentsRequest {
    pb::StreamScoreCommentsRequest {
        parent: format!("sites/{site}"),
        client_ref: at.to_string(),
        comment: Some(comment(body)),
        request_id: String::new(),
    }
}

#[tokio::test]
async fn a_stream_answers_everything_and_ends_cleanly() {
    let house = House::open(Options::default()).await;
    let bodies = |at| if at % 100 == 7 { "" } else { "Well said" };
    let site = |at| if at % 100 == 9 { "blog" } else { "news" };
    let sent = (0..2000).map(move |at| streamed(at, site(at), bodies(at)));
    let sent = by(CMS_OF_NEWS, tokio_stream::iter(sent));
    let mut answers = house.scoring().stream_score_comments(sent).await.unwrap().into_inner();
    let mut seen = vec![0; 2000];
    while let Some(answer) = answers.message().await.unwrap() {
        let at: usize = answer.client_ref.parse().unwrap();
        seen[at] += 1;
        let want = match at % 100 {
            7 => "FIELDS_INVALID",
            9 => "SITE_NOT_FOUND",
            _ => "",
        };
        match answer.result.unwrap() {
            Answer::Verdict(verdict) => assert!(want.is_empty() && !verdict.name.is_empty()),
            Answer::Error(error) => assert_eq!(error.reason, want),
        }
    }
    assert!(seen.iter().all(|count| *count == 1), "every comment is answered once");
}

#[tokio::test]
async fn a_stopping_server_pays_its_debts() {
    let mut house = House::open(Options::default()).await;
    let (send, receive) = tokio::sync::mpsc::channel(100);
    for at in 0..50 {
        send.send(streamed(at, "news", "Well said")).await.unwrap();
    }
    let incoming = tokio_stream::wrappers::ReceiverStream::new(receive);
    let mut answers = house.scoring().stream_score_comments(by(ADMIN, incoming)).await.unwrap().into_inner();
    for _ in 0..50 {
        assert!(answers.message().await.unwrap().is_some());
    }
    let mut watch = tonic_health::pb::health_client::HealthClient::new(house.channel.clone());
    let mut health = watch.watch(tonic_health::pb::HealthCheckRequest::default()).await.unwrap().into_inner();
    let serving = tonic_health::pb::health_check_response::ServingStatus::Serving;
    assert_eq!(health.message().await.unwrap().unwrap().status(), serving);

    house.stop.take().unwrap().send(()).unwrap();
    refused(answers.message().await, Code::Unavailable, "SHUTTING_DOWN");
    let last = loop {
        match health.message().await {
            Ok(Some(status)) => assert_ne!(status.status(), serving),
            Ok(None) => panic!("a watch ends with a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(last.code(), Code::Unavailable);
    let drained = tokio::time::timeout(Duration::from_secs(3), house.served).await.unwrap().unwrap();
    assert_eq!(drained, Drained::All);
    drop(send);
}

/// A scoring call whose message never comes, so that it keeps its permit.
async fn hang(house: &House, timeout: Option<Duration>) -> Status {
    let mut client = tonic::client::Grpc::new(house.channel.clone());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/tamis.v1.ScoringService/ScoreComment");
    let codec = tamis::api::codec::ProtoCodec::<pb::ScoreCommentRequest, pb::ScoreCommentResponse>::default();
    let mut request = by(ADMIN, tokio_stream::pending());
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    client.client_streaming(request, path, codec).await.unwrap_err()
}

#[tokio::test]
async fn a_watch_ends_when_its_key_is_revoked() {
    let house = House::open(Options::default()).await;
    let mut audit = pb::audit_service_client::AuditServiceClient::new(house.channel.clone());
    let parent = "sites/news".to_owned();
    let request = pb::WatchAuditEventsRequest { parent, after_sequence: None };
    let mut stream = audit.watch_audit_events(by(OPS, request)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some(), "a heartbeat comes first");
    house.keys.revoke(&tamis::types::KeyId::new("ops").unwrap()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await.expect("ends soon");
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn late_calls_end_in_time() {
    let house = House::open(Options::default()).await;
    // What was asked for, and a time that only the server keeps: its own longest.
    for (asked, ends) in [(400, 400), (60_000, 2_000)] {
        let (asked, ends) = (Duration::from_millis(asked), Duration::from_millis(ends));
        let mut took = Vec::new();
        // On a busy machine the client may see its own deadline first, which says
        // nothing of the server, and an answer may come late once: it gets ten tries,
        // and one that is right in code, words and time.
        for _ in 0..10 {
            let started = std::time::Instant::now();
            let late = hang(&house, Some(asked)).await;
            if late.code() == Code::Cancelled {
                continue;
            }
            let late = refused(Err::<(), _>(late), Code::DeadlineExceeded, "DEADLINE_PASSED");
            if asked > ends {
                assert_eq!(late.message(), "not done within 2000 ms", "the method's own time is the longest");
            }
            took.push(started.elapsed());
            if started.elapsed() < ends + Duration::from_secs(1) {
                break;
            }
        }
        let best = took.iter().min().copied().unwrap_or(Duration::MAX);
        assert!(best < ends + Duration::from_secs(1), "{asked:?} asked: ended after {took:?}");
        assert!(best > ends.mul_f64(0.9), "{asked:?} asked: ended early, after {best:?}");
    }
}

#[tokio::test]
async fn too_much_work_is_refused_quickly() {
    let house = House::open(Options { max_in_flight: 1, ..Options::default() }).await;
    let timeout = Some(Duration::from_millis(1500));
    let (held, ()) = tokio::join!(hang(&house, timeout), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = std::time::Instant::now();
        let status = house.score(ADMIN, on("news", comment("Well said"))).await;
        let status = refused(status, Code::ResourceExhausted, "OVERLOADED");
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
        let mut health = tonic_health::pb::health_client::HealthClient::new(house.channel.clone());
        let check = tonic_health::pb::HealthCheckRequest::default();
        assert!(health.check(check).await.is_ok(), "an overloaded server is alive");
        let anonymous = house.score("wrong", on("news", comment("Well said"))).await;
        refused(anonymous, Code::Unauthenticated, "KEY_INVALID");
    });
    refused(Err::<(), _>(held), Code::DeadlineExceeded, "DEADLINE_PASSED");
    assert!(house.score(ADMIN, on("news", comment("Well said"))).await.is_ok(), "the permit came back");
}

#[tokio::test]
async fn tls_is_spoken_when_there_is_a_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = tonic::transport::Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
    let tls = Some(tonic::transport::ServerTlsConfig::new().identity(identity));
    let server = router(support::services().await, Options { tls, ..Options::default() }).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.serve(listener, async { drop(stopped.await) });
    let calling = async {
        let ca = tonic::transport::Certificate::from_pem(made.cert.pem());
        let tls = tonic::transport::ClientTlsConfig::new().ca_certificate(ca).domain_name("localhost");
        let channel = Channel::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap();
        let list = by(ADMIN, pb::ListSitesRequest::default());
        let answer = SiteServiceClient::new(channel.connect().await.unwrap()).list_sites(list).await;
        drop(stop);
        answer.map(|_| ())
    };
    let (drained, answered) = tokio::join!(serving, calling);
    answered.unwrap();
    assert_eq!(drained.unwrap(), Drained::All);
    let useless = tonic::transport::Identity::from_pem("no certificate", "no key");
    let tls = Some(tonic::transport::ServerTlsConfig::new().identity(useless));
    let refused = router(support::services().await, Options { tls, ..Options::default() }).await;
    assert!(refused.is_err(), "a bad certificate is refused before serving");
}

#[tokio::test]
async fn unknown_methods_need_no_key_and_health_none_either() {
    let house = House::open(Options::default()).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(house.channel.clone());
    for service in ["", "tamis.v1.ScoringService"] {
        let request = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status, tonic_health::pb::health_check_response::ServingStatus::Serving, "{service}");
    }
    let mut client = tonic::client::Grpc::new(house.channel.clone());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/tamis.v1.ScoringService/Unknown");
    let codec = tamis::api::codec::ProtoCodec::<(), ()>::default();
    let answer: Result<tonic::Response<()>, _> = client.unary(Request::new(()), path, codec).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn reflection_speaks_both_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let house = House::open(Options::default()).await;
    let list = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut new = v1::server_reflection_client::ServerReflectionClient::new(house.channel.clone());
    let mut answers = new.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let v1::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else {
        panic!()
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.iter().any(|name| name == "tamis.v1.ScoringService"), "{names:?}");
    let list = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut old = v1alpha::server_reflection_client::ServerReflectionClient::new(house.channel.clone());
    let mut answers = old.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

#[tokio::test]
async fn the_limits_are_announced_on_the_wire() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let house = House::open(Options::default()).await;
    let mut tcp = tokio::net::TcpStream::connect(house.address).await.unwrap();
    // The client's preface and an empty SETTINGS frame; the server's SETTINGS come first.
    tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    tcp.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    let mut settings = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
    tcp.read_exact(&mut settings).await.unwrap();
    let value = |id: u8| {
        let found = settings.chunks(6).find(|pair| pair[..2] == [0, id]);
        found.map(|pair| u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]))
    };
    assert_eq!(value(3), Some(limits::MAX_CONCURRENT_STREAMS));
    assert_eq!(value(4), Some(limits::STREAM_WINDOW_BYTES));
    assert_eq!(value(6), Some(limits::MAX_HEADER_LIST_BYTES));
}
