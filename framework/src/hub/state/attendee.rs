//! Users as other nodes are told of them.

use std::sync::Arc;

use serde_json::Value;

use super::Attendance;
use crate::{broker::Attendee, hub::live::MAX_NAME};

/// Longer metadata are this node's own business.
const META: usize = 64 * 1024;

/// A user of this node's, for others. Of one whose id is longer than a name may be they can't be told.
pub(super) fn attendee(id: &Arc<str>, attendance: Option<&Attendance>) -> Option<Attendee> {
    let user = (id.len() <= MAX_NAME).then(|| String::from(&**id))?;
    let Some(attendance) = attendance else {
        return Some(Attendee { user, gone: true, connections: 0, meta: Arc::default(), stamp: 0 });
    };
    let connections = u32::try_from(attendance.members.len()).unwrap_or(u32::MAX);
    let meta = if weight(&attendance.meta) > META { Arc::default() } else { attendance.meta.clone() };
    Some(Attendee { user, gone: false, connections, meta, stamp: attendance.stamp })
}

/// About how long an attendee is as JSON.
pub(in crate::hub) fn weight_of(attendee: &Attendee) -> usize {
    64 + attendee.user.len() + weight(&attendee.meta)
}

/// About how long a value is as JSON.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 10,
        Value::String(text) => text.len() + 3,
        Value::Array(values) => 2 + values.iter().map(|value| 1 + weight(value)).sum::<usize>(),
        Value::Object(fields) => 2 + fields.iter().map(|(key, value)| 4 + key.len() + weight(value)).sum::<usize>(),
    }
}
