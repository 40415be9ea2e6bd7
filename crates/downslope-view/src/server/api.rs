//! What can be asked without a WebSocket?
//!
//! The lesson, the answers and the probes. Whatever measures time is measured alone, one after the other.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use downslope::compare::compare;
use serde::{Deserialize, Serialize};

use super::answers::Answer;
use super::probe::{self, Question};
use super::stage::{Reading, Refusal, Stage};
use super::{House, batches, price, pytorch};

/// Something that went wrong, as the page is told.
#[derive(Debug, Serialize)]
struct Complaint {
    error: String,
}

/// What went wrong, with the status to tell it by.
pub(crate) struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(Complaint { error: self.1 })).into_response()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, refusal.0)
    }
}

impl From<downslope::Error> for Failure {
    fn from(error: downslope::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

type Answered = Result<Response, Failure>;

fn read<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure(StatusCode::BAD_REQUEST, format!("cannot be read: {error}")))
}

/// Works on a thread that may be busy for a while.
async fn at_work<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())))
}

/// What the page needs first.
#[derive(Serialize)]
struct Opening {
    version: &'static str,
    /// With every text as HTML that can do no harm.
    lesson: crate::lesson::Lesson,
    answers: std::collections::BTreeMap<String, Answer>,
}

pub(crate) async fn lesson(State(house): State<Arc<House>>) -> Answered {
    let answers = house.answers.read()?;
    let lesson = crate::lesson::html::lesson(&house.stage.lesson);
    let opening = Opening { version: env!("CARGO_PKG_VERSION"), lesson, answers };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(opening)).into_response())
}

/// An answer to be kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    id: String,
    answer: Answer,
}

pub(crate) async fn keep_answer(State(house): State<Arc<House>>, body: Bytes) -> Answered {
    let given: Given = read(&body)?;
    at_work(move || {
        let kept = house.answers.keep(&given.id, given.answer);
        kept.map_err(|error| Failure(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn forget_answers(State(house): State<Arc<House>>) -> Answered {
    at_work(move || Ok(house.answers.forget()?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The answers as a file to keep or to hand in.
pub(crate) async fn answers_file(State(house): State<Arc<House>>, Path(name): Path<String>) -> Answered {
    match name.as_str() {
        "answers.json" => {
            let text = serde_json::to_string_pretty(&house.answers.read()?);
            let text = text.map_err(|error| Failure(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
            Ok(download(&name, "application/json", text))
        }
        "answers.csv" => Ok(download(&name, "text/csv; charset=utf-8", house.answers.csv()?)),
        _ => Err(Failure(StatusCode::NOT_FOUND, "answers come as answers.json or answers.csv".to_owned())),
    }
}

fn download(name: &str, kind: &'static str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, text).into_response()
}

/// Measures what a figure asks for.
pub(crate) async fn probe(State(house): State<Arc<House>>, Path(what): Path<String>, body: Bytes) -> Answered {
    let question: Question = read(&body)?;
    let is_timed = matches!(what.as_str(), "price" | "noise" | "race");
    let gate = if is_timed { &house.timed } else { &house.untimed };
    let closed = |_| Failure(StatusCode::SERVICE_UNAVAILABLE, "the server is ending".to_owned());
    let pass = Arc::clone(gate).acquire_owned().await.map_err(closed)?;
    at_work(move || {
        let _pass = pass;
        measured(&house.stage, &what, &question)
    })
    .await
}

fn measured(stage: &Stage, what: &str, question: &Question) -> Answered {
    fn json<T: Serialize>(value: Result<T, Refusal>) -> Answered {
        Ok(Json(value?).into_response())
    }
    match what {
        "limits" => json(probe::limits(stage, question)),
        "ground" => json(probe::ground(stage, question)),
        "underfoot" => json(probe::underfoot(stage, question)),
        "zig-zag" => json(batches::zig_zags(stage, question)),
        "cloud" => json(batches::cloud(stage, question)),
        "noise" => json(batches::noises(stage, question)),
        "price" => json(price::measure(question)),
        "race" => json(race(stage, question)),
        "pytorch" => json(pytorch::export(stage, question)),
        _ => Err(Failure(
            StatusCode::NOT_FOUND,
            format!("there is no probe `{}`", what.chars().take(60).collect::<String>()),
        )),
    }
}

/// The methods side by side, as `downslope compare` measures them.
fn race(stage: &Stage, question: &Question) -> Result<downslope::compare::Comparison, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let experiment = stage.experiment(&reading, None)?;
    Ok(compare(&experiment, &reading.batch_sizes(), &mut [])?)
}

pub(crate) async fn script() -> Response {
    download("descent.py", "text/x-python; charset=utf-8", pytorch::SCRIPT.to_owned())
}
