import type { JsonObject } from '../../core/json.js';

const PRODUCT: JsonObject = {
  product_id: '507f1f77bcf86cd799439011',
  sku: 'G-32',
  category: 'Games',
  name: 'Monopoly: 3rd Edition',
  brand: 'Hasbro',
  variant: '200 pieces',
  price: 18.99,
  quantity: 1,
  position: 1,
  url: 'https://shop.example.com/product/G-32',
  image_url: 'https://shop.example.com/product/G-32.jpg',
};
const OTHER: JsonObject = {
  product_id: '505bd76785ebb509fc183733',
  sku: 'U-46',
  category: 'Games',
  name: 'Uno Card Game – Zoë’s édition',
  price: 3,
  quantity: 2,
  position: 2,
};
const PRODUCTS = [PRODUCT, OTHER];
const ORDER: JsonObject = {
  order_id: '50314b8e9bcf000000000000',
  checkout_id: 'fksdjfsdjfisjf9sdfjsd9f',
  affiliation: 'Web shop',
  total: 27.5,
  subtotal: 24.99,
  revenue: 24.99,
  shipping: 3,
  tax: 2,
  discount: 2.49,
  coupon: 'hasbros',
  currency: 'USD',
  products: PRODUCTS,
};
const CHECKOUT: JsonObject = {
  checkout_id: 'fksdjfsdjfisjf9sdfjsd9f',
  step: 1,
  shipping_method: 'Fedex',
  payment_method: 'Visa',
};
const LIST: JsonObject = { list_id: 'hot_deals_1', category: 'Deals' };
const PROMOTION: JsonObject = {
  promotion_id: 'promo_1',
  creative: 'top_banner_2',
  name: '75% store-wide shoe sale',
  position: 'home_banner_top',
};
const COUPON: JsonObject = { order_id: '50314b8e9bcf000000000000', coupon_id: 'may_deals_2026' };

/** The e-commerce specification that both vendors share: each event's name and properties, in the order of a visit. */
export const SHOPPING: Readonly<Record<string, JsonObject>> = {
  'Products Searched': { query: 'blue roses & “cards”' },
  'Product List Viewed': { ...LIST, products: PRODUCTS },
  'Product List Filtered': {
    ...LIST,
    filters: [{ type: 'department', value: 'games' }],
    sorts: [{ type: 'price', value: 'desc' }],
    products: PRODUCTS,
  },
  'Promotion Viewed': PROMOTION,
  'Promotion Clicked': PROMOTION,
  'Product Clicked': PRODUCT,
  'Product Viewed': { ...PRODUCT, currency: 'USD', value: 18.99 },
  'Product Added': { ...PRODUCT, cart_id: 'skdjsidjsdkdj29j' },
  'Product Removed': { ...OTHER, cart_id: 'skdjsidjsdkdj29j' },
  'Cart Viewed': { cart_id: 'skdjsidjsdkdj29j', products: PRODUCTS },
  'Checkout Started': ORDER,
  'Checkout Step Viewed': CHECKOUT,
  'Checkout Step Completed': CHECKOUT,
  'Payment Info Entered': { ...CHECKOUT, order_id: '50314b8e9bcf000000000000' },
  'Order Completed': ORDER,
  'Order Updated': ORDER,
  'Order Refunded': { ...ORDER, total: 27.5 },
  'Order Cancelled': ORDER,
  'Coupon Entered': COUPON,
  'Coupon Applied': { ...COUPON, coupon_name: 'May Deals 2026', discount: 23.32 },
  'Coupon Denied': { ...COUPON, reason: 'Coupon expired' },
  'Coupon Removed': { ...COUPON, coupon_name: 'May Deals 2026', discount: 23.32 },
  'Product Added to Wishlist': { ...PRODUCT, wishlist_id: 'skdjsidjsdkdj29j' },
  'Product Removed from Wishlist': { ...PRODUCT, wishlist_id: 'skdjsidjsdkdj29j' },
  'Wishlist Product Added to Cart': {
    ...PRODUCT,
    wishlist_id: 'skdjsidjsdkdj29j',
    cart_id: '99j2d92j9dj29dj29d2d',
  },
  'Product Shared': {
    ...PRODUCT,
    share_via: 'email',
    share_message: 'Hey, look at this',
    recipient: 'friend@example.com',
  },
  'Cart Shared': { share_via: 'email', cart_id: 'd92jd29jd92jd29j92d92jd', products: PRODUCTS },
  'Product Reviewed': {
    product_id: '507f1f77bcf86cd799439011',
    review_id: 'kdfjrj39fj39jf3',
    review_body: 'I love this product',
    rating: '5',
  },
};
