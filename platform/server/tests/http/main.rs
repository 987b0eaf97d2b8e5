//! The HTTP shell as the open internet meets it: over sockets, from clients that mean no good.

mod bounds;
mod errors;
mod limits;
mod overload;
mod records;
mod shutdown;
mod site;
mod slow;
mod support;
