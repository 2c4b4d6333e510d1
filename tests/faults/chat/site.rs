//! Several nodes that are one chat: PostgreSQL keeps what is said, Redis carries it between them.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Result;
use futures_util::future::try_join_all;
use sockeye_tests::{proxy::Proxy, services::Service};
use tokio::task::block_in_place;

use crate::chat::{Scratch, node::Node};

pub(crate) struct Site {
    pub(crate) nodes: Vec<Node>,
    /// Before Redis, one for each node.
    pub(crate) links: Vec<Proxy>,
    pub(crate) redis: Service,
    postgres: Service,
    scratch: Scratch,
}

impl Site {
    /// Starts all of it, and waits until the nodes are ready.
    pub(crate) async fn start(nodes: usize) -> Result<Self> {
        let (postgres, redis) = block_in_place(|| (Service::start("postgres"), Service::start("redis")));
        let scratch = Scratch::new();
        let mut site = Self { nodes: Vec::new(), links: Vec::new(), redis, postgres, scratch };
        for number in 0..nodes {
            let link = Proxy::start(site.redis.port(), number as u64).await?;
            let redis = format!("redis://127.0.0.1:{}", link.port());
            let variables = [("DATABASE_URL", site.postgres.url()), ("REDIS_URL", &redis)];
            let node = Node::start(&site.scratch.0, &format!("node-{number}"), &variables)?;
            site.links.push(link);
            site.nodes.push(node);
        }
        site.all_health(200, Duration::from_secs(10)).await?;
        Ok(site)
    }

    /// Where its logs are.
    pub(crate) fn folder(&self) -> &Path {
        &self.scratch.0
    }

    pub(crate) fn doors(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.addr).collect()
    }

    /// Waits until all nodes answer so when they are asked how they are.
    pub(crate) async fn all_health(&self, status: u16, limit: Duration) -> Result<()> {
        try_join_all(self.nodes.iter().map(|node| node.until_health(status, limit))).await.map(drop)
    }

    /// Cuts a node off from Redis until it is healed.
    pub(crate) fn cut(&self, node: usize) {
        self.links[node].refuse(usize::MAX);
        self.links[node].cut();
    }

    pub(crate) fn heal(&self, node: usize) {
        self.links[node].refuse(0);
    }
}
