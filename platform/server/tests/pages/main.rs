//! The pages and the API as people and attackers meet them, over sockets: signing in, forms of other sites,
//! names that are markup, and news of one's own runs only.

mod events;
mod forms;
mod hostile;
#[path = "../../../../scoreboard/site/tests/site/hostile_text.rs"]
mod hostile_text;
#[path = "../support/lab.rs"]
mod lab;
#[path = "../support/season.rs"]
#[expect(dead_code, reason = "other tests run seasons from the command line")]
mod season;
#[path = "../support/served.rs"]
#[expect(dead_code, reason = "other tests verify")]
mod served;
mod sign_in;
mod validator;
mod visitor;
